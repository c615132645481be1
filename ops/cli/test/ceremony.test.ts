import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { CEREMONIES } from '@licet/authority';
import { decodeCertificate, decodePem } from '@licet/format';
import { requireThat, requireTool } from '@licet/checks';
import type { CliIo } from '../io.ts';
import { createProgram } from '../program.ts';
import { crlAddressOf, ProductionServer, sell } from './production-server.ts';

const LICET = join(import.meta.dirname, '../licet.js');
const AGENT = join(import.meta.dirname, '../../agent/licet-agent.js');
const PAGE = join(import.meta.dirname, '../../../docs/ceremony.md');

/** No device but a loopback that is down. */
const EMPTY_NETWORK = ['--map-root-user', '--net'];

type Block = { readonly language: string; readonly file: string | undefined; readonly text: string };

/** The fenced blocks of a page, in order; a second word behind the language is the name of a file. */
function blocksOf(page: string): Block[] {
  return [...page.matchAll(/^```(\w+)(?: (\S+))?\n([\s\S]*?)^```$/gm)].map(([, language = '', file, text = '']) => ({
    language,
    file,
    text,
  }));
}

/** One shell script of the whole page: each file is written where the page shows it. */
function scriptOf(blocks: readonly Block[]): string {
  const steps = blocks.map(({ language, file, text }) => {
    if (language === 'sh') return text;
    assert.ok(file !== undefined, `a block of ${language} has no file name`);
    return `cat > ${file} <<'LICET_PAGE'\n${text}LICET_PAGE\n`;
  });
  return ['set -eu', ...steps].join('\n');
}

describe('docs/ceremony.md', function () {
  this.timeout(60_000);
  let folder: string;
  let output: string;

  before(function () {
    requireTool(this, 'unshare', 'openssl', 'bash');
    const isAllowed = spawnSync('unshare', [...EMPTY_NETWORK, 'true']).status === 0;
    requireThat(this, isAllowed ? [] : ['the right to make a network namespace']);
    folder = mkdtempSync(join(tmpdir(), 'licet-ceremony-'));
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'licet'), `#!/bin/sh\nexec "${process.execPath}" "${LICET}" "$@"\n`, { mode: 0o755 });
    const script = join(folder, 'page.sh');
    writeFileSync(script, scriptOf(blocksOf(readFileSync(PAGE, 'utf8'))));
    const room = join(folder, 'room');
    mkdirSync(room);
    const run = spawnSync('unshare', [...EMPTY_NETWORK, 'bash', script], {
      cwd: room,
      encoding: 'utf8',
      env: { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` },
    });
    output = `${run.stdout}${run.stderr}`;
    assert.equal(run.status, 0, output.slice(-1500));
  });
  after(() => folder && rmSync(folder, { recursive: true, force: true }));

  const inRoom = (...path: string[]) => join(folder, 'room', ...path);
  /** In this process, and nobody at the keyboard: as from a script. */
  async function licet(...args: string[]): Promise<string> {
    const lines: string[] = [];
    const io: CliIo = {
      out: (text) => void lines.push(text),
      err: () => {},
      stdin: Readable.from([]),
      env: {},
      now: () => new Date(),
      exit: () => {},
    };
    await createProgram(io).parseAsync(args, { from: 'user' });
    return lines.join('\n');
  }

  it('walks through a whole ceremony without a network, and openssl agrees', () => {
    assert.match(output, /usb\/organization-chain\.pem: OK/);
    assert.match(output, /usb\/successor-chain\.pem: OK/);
    assert.match(output, /revoked, as it should be/);
    assert.match(output, /error 23 at 0 depth lookup: certificate revoked/);
    assert.match(output, /^\w{32} {2}service .* active .* acme$/m);
    assert.match(output, /^\w{32} {2}organization .* crl-only .* acme\n\w{32} {2}organization .* active .* acme$/m);
    assert.equal(output.match(/^The CRL \d+ of the root is published\.$/gm)?.length, 2);
  });

  describe('and the server that starts with it', function () {
    let server: ProductionServer;
    before(async () => {
      const root = readFileSync(inRoom('usb', 'root.pem'), 'utf8');
      server = await ProductionServer.start(inRoom('online', 'licet.yaml'), root);
    });
    after(() => server?.stop());

    it('licenses a site whose chain openssl takes up to the offline root, with a CRL for each certificate', async () => {
      const owner = readFileSync(inRoom('online', 'data', 'owner.token'), 'utf8').trim();
      const { contract, token } = await sell(server, owner);
      assert.match(contract, /^[0-9a-f-]{36}$/);
      const fingerprint = (await licet('ceremony', 'fingerprint', inRoom('usb', 'root.pem'))).replaceAll(':', '');
      const place = ['--folder', inRoom('site'), '--server', server.url];
      const enrolled = spawnSync(
        process.execPath,
        [AGENT, 'enrol', ...place, '--fingerprint', fingerprint, '--token', token],
        { encoding: 'utf8' },
      );
      assert.equal(enrolled.status, 0, `${enrolled.stdout}${enrolled.stderr}`);
      const chain = decodePem(readFileSync(inRoom('site', 'site.lic'), 'utf8'), 'CERTIFICATE');
      const lists = chain.map(({ bytes }) => crlAddressOf(decodeCertificate(bytes)));
      assert.ok(lists.length >= 3 && lists.every((address) => address.startsWith('http://pki.acme.example/crl/')));
      const crls: string[] = [];
      for (const address of lists) crls.push(await server.crlAt(address));
      writeFileSync(inRoom('lists.pem'), crls.join(''));
      const strict = ['-x509_strict', '-crl_check_all', '-extended_crl', '-CRLfile', inRoom('lists.pem')];
      const trust = ['-CAfile', inRoom('usb', 'root.pem'), '-untrusted', inRoom('site', 'site.lic')];
      const verify = ['verify', ...strict, ...trust, inRoom('site', 'site.lic')];
      const { stdout, stderr } = spawnSync('openssl', verify, { encoding: 'utf8' });
      assert.match(`${stdout}${stderr}`, /site\.lic: OK/);
    });
  });

  it('leaves nothing but what the page says', () => {
    assert.deepEqual(readdirSync(inRoom('offline')).toSorted(), [
      'crls-2.yaml',
      'crls-2026',
      'crls-2027',
      'crls.yaml',
      'organization-2026',
      'organization.yaml',
      'rollover.yaml',
      'root-2026',
      'root-2040',
      'root.yaml',
      'service-2026',
      'service.yaml',
      'successor-2026',
      'successor.yaml',
    ]);
    assert.equal(readdirSync(inRoom('online', 'signer', 'authorities')).length, 3);
  });

  it('says by its exit code that a file was changed, and which', () => {
    const path = inRoom('offline', 'successor-2026', 'organization.pem');
    writeFileSync(path, `${readFileSync(path, 'utf8')}\n`);
    const transcript = join(dirname(path), 'transcript.txt');
    const { status, stderr } = spawnSync(process.execPath, [LICET, 'ceremony', 'verify', transcript], {
      encoding: 'utf8',
    });
    assert.equal(status, 1);
    assert.match(stderr, /The file organization\.pem is not the one of the ceremony\. \[TRANSCRIPT_MISMATCH\]/);
  });

  function anotherRoot(name: string): string {
    const yaml = readFileSync(inRoom('offline', 'root.yaml'), 'utf8').replace('root-2026', name);
    const path = inRoom('offline', `${name}.yaml`);
    writeFileSync(path, yaml);
    return path;
  }

  it('makes nothing when nobody says yes', async () => {
    const nobody = { code: 'CEREMONY_INVALID', exitCode: 2, message: /Nobody is there to say yes; give --yes\./ };
    await assert.rejects(licet('ceremony', 'root', anotherRoot('unasked')), nobody);
    const left = readdirSync(inRoom('offline')).filter((name) => name.includes('unasked'));
    assert.deepEqual(left, ['unasked.yaml']);
  });

  it('asks who sits at a terminal, and writes question and answer down', function () {
    requireTool(this, 'script');
    const command = `"${process.execPath}" "${LICET}" ceremony root "${anotherRoot('asked')}"`;
    const { status, stdout } = spawnSync('script', ['-qec', command, '/dev/null'], {
      input: 'yes\n',
      encoding: 'utf8',
    });
    assert.equal(status, 0, stdout);
    const transcript = readFileSync(inRoom('offline', 'asked', 'transcript.txt'), 'utf8');
    assert.match(transcript, /asked: Is this what is to be made\? .*\n.* answered: "yes" /);
  });

  it('prints a template for every ceremony that it reads itself', async () => {
    for (const kind of CEREMONIES) {
      assert.match(await licet('ceremony', 'template', kind), new RegExp(`^ceremony: ${kind}$`, 'm'));
    }
    const usage = { exitCode: 64, message: /write one of root, request, sign, accept, crl, rollover/ };
    await assert.rejects(licet('ceremony', 'template', 'party'), usage);
  });

  it('does not take the file of another ceremony', async () => {
    const file = inRoom('offline', 'organization.yaml');
    const wrong = { code: 'CEREMONY_INVALID', message: /authority: must be enterprise with this command/ };
    await assert.rejects(licet('authority', 'enterprise', 'sign', file), wrong);
    await assert.rejects(licet('ceremony', 'crl', file), { message: /ceremony: must be crl and is "sign"/ });
  });
});
