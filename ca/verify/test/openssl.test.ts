import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { requireTool } from '@licet/checks';
import { type Bytes, encodePem, OID } from '@licet/format';
import { verifyPathSync } from '../index.ts';
import { type Case, pathOptions } from './cases/case.ts';
import { CRL_CASES } from './cases/crls.ts';
import { LEGACY_MAIL_CASE, MALFORMED_NAME_CASES, NAME_CASES, PATH_CASES } from './cases/paths.ts';
import { PROFILE_CASES } from './cases/profile.ts';
import { AT } from './certificate-kit.ts';
import list from './openssl-exceptions.json' with { type: 'json' };

/*
 * Whatever we accept, `openssl verify -x509_strict` accepts too; what it refuses, we refuse. Each difference stands in
 * openssl-exceptions.json with its reason, and one that is not true any more fails here.
 */

const CASES: readonly Case[] = [
  ...PROFILE_CASES,
  ...NAME_CASES,
  ...MALFORMED_NAME_CASES,
  LEGACY_MAIL_CASE,
  ...PATH_CASES,
  ...CRL_CASES,
];

type Exception = { readonly name: string; readonly stricter: string; readonly reason: string };
const exceptions: readonly Exception[] = list;

const run = promisify(execFile);
const HOST_OPTIONS = { dns: '-verify_hostname', ip: '-verify_ip', email: '-verify_email', uri: undefined } as const;

function pem(label: string, objects: readonly Bytes[]): string {
  return objects.map((bytes) => encodePem(label, bytes)).join('');
}

async function opensslAccepts({ chain }: Case, folder: string, id: number): Promise<boolean> {
  const file = (kind: string, text: string): string => {
    const path = join(folder, `${id}-${kind}.pem`);
    writeFileSync(path, text);
    return path;
  };
  const { names = [], policies } = chain.options ?? {};
  const args = [
    'verify',
    '-x509_strict',
    '-purpose',
    'sslserver',
    '-attime',
    String((chain.at ?? AT).getTime() / 1000),
  ];
  // Only ours: no trust that this machine was set up with.
  args.push('-no-CApath', '-no-CAstore', '-partial_chain');
  args.push(
    '-trusted',
    file(
      'anchors',
      pem(
        'CERTIFICATE',
        chain.anchors.map(({ der }) => der),
      ),
    ),
  );
  const { intermediates = [], crls } = chain;
  if (intermediates.length > 0) {
    args.push(
      '-untrusted',
      file(
        'untrusted',
        pem(
          'CERTIFICATE',
          intermediates.map(({ der }) => der),
        ),
      ),
    );
  }
  if (crls !== undefined) {
    args.push('-crl_check_all', '-extended_crl', '-use_deltas');
    if (crls.length > 0) args.push('-CRLfile', file('crls', pem('X509 CRL', crls)));
  }
  for (const { kind, value } of names) args.push(HOST_OPTIONS[kind]!, value);
  if (policies?.requireExplicit === true) args.push('-explicit_policy');
  // OpenSSL starts from no policy, RFC 5280 from any.
  for (const policy of policies?.initial ?? (policies ? [OID.anyPolicy] : [])) args.push('-policy', policy);
  args.push(file('leaf', encodePem('CERTIFICATE', chain.leaf.der)));
  try {
    await run('openssl', args);
    return true;
  } catch {
    return false;
  }
}

describe('the same chains before openssl verify -x509_strict', function () {
  this.timeout(60_000);
  const theirs = new Map<string, boolean>();
  const reasons = new Map(exceptions.map(({ name, reason }) => [name, reason]));

  before(async function () {
    requireTool(this, 'openssl');
    const folder = mkdtempSync(join(tmpdir(), 'licet-openssl-'));
    const waiting = [...CASES.entries()];
    const work = async (): Promise<void> => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        theirs.set(next[1].name, await opensslAccepts(next[1], folder, next[0]));
      }
    };
    await Promise.all([work(), work()]);
    rmSync(folder, { recursive: true });
  });

  it('are sixty bad ones and more', () => {
    assert.ok(CASES.filter(({ codes }) => codes.length > 0).length >= 60);
    assert.equal(new Set(CASES.map(({ name }) => name)).size, CASES.length);
  });

  for (const test of CASES) {
    const reason = reasons.get(test.name);
    it(`${test.name}: ${reason === undefined ? 'the same verdict' : 'another verdict, with a reason'}`, () => {
      const { ok, codes } = verifyPathSync(test.chain.leaf.der, pathOptions(test.chain));
      const same = ok === theirs.get(test.name);
      assert.equal(same, reason === undefined, `we say ${ok ? 'yes' : codes.join()}, openssl ${theirs.get(test.name)}`);
    });
  }

  it('have exceptions only by name, and say of each who is stricter', () => {
    const names = new Set(CASES.map(({ name }) => name));
    for (const { name, stricter } of exceptions) {
      assert.ok(names.has(name), name);
      assert.equal(theirs.get(name), stricter === 'licet', name);
    }
  });
});
