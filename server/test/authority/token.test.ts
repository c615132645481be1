import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { requireThat, requireTool } from '@licet/checks';
import { encodePem } from '@licet/format';
import { createSoftToken, PIN, pkcs11Module, softHsmLibrary, TOKEN } from '@licet/keystores/testing';
import { loadConfig } from '../../config/index.ts';
import { type TestDatabase, testDatabase } from '../../persistence/test/test-database.ts';
import { type AuthorityParts, connectAuthority, readyAuthority } from '../../wiring/authority.ts';
import { type OpenedSigner, openServerSigner } from '../../wiring/signer.ts';
import { licenseOrder, lineageOf } from './workshop.ts';

const PROGRAM = join(import.meta.dirname, '../../programs/keys.ts');

/** The library of the token is loaded by the signer's process, and by no other. */
describe('a server whose keys are in a PKCS#11 token', function () {
  this.timeout(60_000);
  const folder = mkdtempSync(join(tmpdir(), 'licet-token-'));
  const at = (name: string) => join(folder, name);
  let database: TestDatabase;
  let opened: OpenedSigner;
  let authority: AuthorityParts;
  let argv: readonly string[];
  before(async function () {
    requireTool(this, 'softhsm2-util', 'openssl');
    const [module, library] = [pkcs11Module(), softHsmLibrary()];
    requireThat(this, [
      ...(module === undefined ? ['the package pkcs11js'] : []),
      ...(library === undefined ? ['libsofthsm2.so'] : []),
    ]);
    createSoftToken(folder);
    writeFileSync(at('pin'), PIN, { mode: 0o600 });
    const pkcs11 = { module, library, token: TOKEN, pinFile: at('pin') };
    const where = Object.entries(pkcs11).flatMap(([name, value]) => [`--signer.pkcs11.${name}`, String(value)]);
    argv = ['--data.folder', at('data'), '--authority.evaluation', 'on', '--signer.vault', 'pkcs11', ...where];
    const { config } = await loadConfig({ argv, env: {}, directory: folder });
    database = await testDatabase(this, 'embedded');
    opened = await openServerSigner(config, { warn: () => undefined, error: () => undefined });
    const ground = { config, database, signer: opened.signer, holder: 'test', base: 'http://pki.example' };
    authority = connectAuthority(ground);
    await readyAuthority(ground, authority);
  });
  after(async () => {
    await opened?.close();
    await database?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('issues licenses below CAs whose keys cannot leave it', async () => {
    const { chain } = await authority.issuance.issue(licenseOrder(lineageOf(1)));
    const write = (name: string, certificates: readonly Uint8Array[]): string => {
      const path = at(name);
      writeFileSync(path, certificates.map((der) => encodePem('CERTIFICATE', der)).join(''));
      return path;
    };
    const trust = ['-CAfile', write('root.pem', chain.slice(-1)), '-untrusted', write('above.pem', chain.slice(1, -1))];
    const out = execFileSync('openssl', ['verify', '-x509_strict', ...trust, write('leaf.pem', chain.slice(0, 1))]);
    assert.match(out.toString(), /OK/);
    const kept = await authority.directory.held();
    assert.deepEqual(
      new Set(kept.map(({ purpose }) => purpose)),
      new Set(['root', 'organization', 'service', 'enterprise']),
    );
  });

  const run = (own: readonly string[], configuration = argv) =>
    promisify(execFile)(process.execPath, [PROGRAM, ...own, '--', ...configuration], {
      env: { PATH: process.env['PATH'] },
    });

  it('has no signer made for it where none is', async () => {
    const mistyped = ['--data.folder', at('mistyped'), '--authority.evaluation', 'on'];
    await assert.rejects(run(['rotate', 'somebody'], mistyped), { code: 78 });
    assert.equal(existsSync(at('mistyped')), false);
  });

  it('has a key rotated by its configuration, while it runs', async () => {
    const [key] = (await opened.signer.keys()).filter(({ purpose }) => purpose === 'enterprise');
    const { stdout } = await run(['rotate', key!.id]);
    assert.match(stdout, /^\w{32} {2}enterprise +P-256 +generation 2\n$/);
    const failed = (error: { code: number; stderr: string }) => {
      assert.deepEqual([error.code, error.stderr], [1, 'licet: There is no key nobody here. [KEY_UNKNOWN]\n']);
      return true;
    };
    await assert.rejects(run(['rotate', 'nobody']), failed);
  });
});
