import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { CEREMONIES } from '@licet/authority/ceremony';
import { decodeCertificate, decodePem } from '@licet/format';
import { requireTool } from '@licet/checks';
import { testDatabase, type TestDatabase } from '@licet/server/test-database';
import type { CliIo } from '../io.ts';
import { createProgram } from '../program.ts';
import { pageOf, sectionOf } from './page.ts';
import { agree, crlAddressOf, post, ProductionServer, sell } from './production-server.ts';
import { requireEmptyNetwork, Room } from './room.ts';

const LICET = join(import.meta.dirname, '../licet.js');
const AGENT = join(import.meta.dirname, '../../agent/licet-agent.js');
const PAGE = 'ceremony.md';
const ENTERPRISE = '## An enterprise that keeps its own key';
const ELSEWHERE = ['## A token instead of files', '## AWS KMS instead of files'];

/** What is walked through without a network; the rest is beside a server, or in key-places.test.ts. */
function offlineOf(page: string): string {
  return [ENTERPRISE, ...ELSEWHERE].reduce((left, heading) => left.replace(sectionOf(page, heading), ''), page);
}

const as = (token: string) => ({ Authorization: `Bearer ${token}` });
const codeOf = ({ body }: { readonly body: Buffer }) => (JSON.parse(body.toString()) as { code: string }).code;

describe('docs/ceremony.md', function () {
  this.timeout(300_000);
  let room: Room;
  let folder: string;
  let output: string;

  before(function () {
    requireEmptyNetwork(this);
    requireTool(this, 'openssl', 'jq', 'curl');
    room = new Room();
    folder = room.folder;
    output = room.walk(offlineOf(pageOf(PAGE)), { network: false });
  });
  after(() => room?.remove());

  const inRoom = (...path: string[]) => join(folder, ...path);
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
    await (await createProgram(io, args)).parseAsync(args, { from: 'user' });
    return lines.join('\n');
  }

  it('walks without a network from the root to a first license and to the end of a CA, and openssl agrees', () => {
    assert.match(output, /usb\/organization-chain\.pem: OK/);
    assert.match(output, /^Usable: valid\nIssued to license:\/\/globex\.acme\/plant-0 /m);
    assert.equal(output.match(/^Usable: valid\nIssued to license:\/\/globex\.acme\/plant-40 /gm)?.length, 2);
    assert.match(output, /usb\/successor-chain\.pem: OK/);
    assert.match(output, /revoked, as it should be/);
    assert.match(output, /error 23 at 0 depth lookup: certificate revoked/);
    assert.match(output, /^\w{32} {2}service .* active .* acme$/m);
    assert.match(output, /^\w{32} {2}organization .* crl-only .* acme\n\w{32} {2}organization .* active .* acme$/m);
    assert.equal(output.match(/^The CRL \d+ of the root is published\.$/gm)?.length, 4);
    assert.match(output, /^\w{40} {2}root .* retired .* acme {2}\(key elsewhere\)$/m);
    assert.match(output, /worth nothing any more\. .*:\nlicet incident declare --hours 1 /);
  });

  it('puts nothing into the folder of a signer that the list of a backup leaves out', () => {
    const backup = sectionOf(pageOf('operations.md'), '## Backup');
    const made = readdirSync(inRoom('online', 'signer'));
    assert.deepEqual(
      made.filter((name) => !backup.includes(`\`${name}/\``)),
      [],
    );
  });

  describe('and the server that starts with it', function () {
    let server: ProductionServer;
    let owner: string;
    let sold: Awaited<ReturnType<typeof sell>>;
    before(async () => {
      const root = readFileSync(inRoom('usb', 'root.pem'), 'utf8');
      server = await ProductionServer.start(inRoom('online', 'licet.yaml'), root);
      owner = ownerIn('online');
      sold = await sell(server, owner);
    });
    after(() => server?.stop());

    const ownerIn = (machine: string) => readFileSync(inRoom(machine, 'data', 'owner.token'), 'utf8').trim();

    /** By openssl, with a CRL for each certificate from the server that publishes it. */
    async function verified(license: string, publishers: Readonly<Record<string, ProductionServer>>): Promise<string> {
      const chain = decodePem(license, 'CERTIFICATE').map(({ bytes }) => decodeCertificate(bytes));
      const crls: string[] = [];
      // After a rollover a site has the chains of both CAs. The root has no list of its own.
      const listed = chain.filter(({ subject, issuer }) => Buffer.compare(subject.raw, issuer.raw) !== 0);
      for (const address of new Set(listed.map(crlAddressOf))) {
        const publisher = publishers[new URL(address).hostname];
        assert.ok(publisher !== undefined, address);
        crls.push(await publisher.crlAt(address));
      }
      writeFileSync(inRoom('lists.pem'), crls.join(''));
      writeFileSync(inRoom('license.pem'), license);
      const strict = ['-x509_strict', '-crl_check_all', '-extended_crl', '-CRLfile', inRoom('lists.pem')];
      const trust = ['-CAfile', inRoom('usb', 'root.pem'), '-untrusted', inRoom('license.pem')];
      const { stdout, stderr } = spawnSync('openssl', ['verify', ...strict, ...trust, inRoom('license.pem')], {
        encoding: 'utf8',
      });
      return `${stdout}${stderr}`;
    }

    it('licenses and renews a site whose chain openssl takes up to the offline root, with a CRL for each certificate', async () => {
      const fingerprint = (await licet('ceremony', 'fingerprint', inRoom('usb', 'root.pem'))).replaceAll(':', '');
      const agent = (command: string, ...words: string[]) => {
        const args = [AGENT, command, '--folder', inRoom('site'), ...words];
        const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
        assert.equal(status, 0, `${stdout}${stderr}`);
        return readFileSync(inRoom('site', 'site.lic'), 'utf8');
      };
      const first = agent('enrol', '--server', server.url, '--fingerprint', fingerprint, '--token', sold.token);
      assert.match(await verified(first, { 'pki.acme.example': server }), /license\.pem: OK/);
      const day = (ago: number) => new Date(Date.now() - ago * 86_400_000).toISOString();
      writeFileSync(inRoom('usage.json'), JSON.stringify({ from: day(2), to: day(1), users: { operator: 3 } }));
      agent('report', '--file', inRoom('usage.json'));
      agent('report', '--file', inRoom('usage.json'));
      const second = agent('renew');
      assert.notEqual(second, first);
      assert.match(await verified(second, { 'pki.acme.example': server }), /license\.pem: OK/);
    });

    describe('and an enterprise with a server of its own below it', function () {
      let hub: ProductionServer;
      let database: TestDatabase;
      let contract: string;
      let surroundings: NodeJS.ProcessEnv;
      before(async function () {
        database = await testDatabase(this);
        this.timeout(300_000);
        contract = await agree(server, owner, sold.enterprise, 'C-2');
        const contexts = inRoom('contexts.json');
        const root = readFileSync(inRoom('usb', 'root.pem'), 'utf8');
        const acme = { url: server.url, root, token: owner };
        writeFileSync(contexts, JSON.stringify({ current: 'acme', contexts: { acme } }), { mode: 0o600 });
        surroundings = { LICET_CONTEXTS: contexts, CONTRACT: contract };
        // This one with PostgreSQL, as the page above walked with the embedded database.
        const configured = { ...surroundings, LICET_DATABASE_URL: database.url };
        room.walk(sectionOf(pageOf(PAGE), ENTERPRISE), { network: true }, configured);
        hub = await ProductionServer.start(inRoom('hub', 'licet.yaml'), root, database.url);
      });
      after(async () => {
        await hub?.stop();
        await database?.close();
      });

      it('gives licenses that openssl and licet take, none above its contract, and ends when it is revoked', async () => {
        const publishers = { 'pki.acme.example': server, 'pki.globex.example': hub };
        const hubOwner = ownerIn('hub');
        const own = await sell(hub, hubOwner);
        const subject = ['-nodes', '-subj', '/CN=plant-2', '-keyout', inRoom('site.key')];
        const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
        const csr = spawnSync('openssl', ['req', '-new', ...key, ...subject], { encoding: 'utf8' }).stdout;
        const site = { name: 'plant-2', mode: 'development', csr };
        const more = { siteCaps: { production: 1, development: 1 } };
        const wider = await agree(hub, hubOwner, own.enterprise, 'C-2', more);
        const refused = await hub.ask('POST', '/api/v1/sites/create', as(hubOwner), { ...site, contract: wider });
        assert.deepEqual([refused.status, codeOf(refused)], [409, 'CLAIMS_ABOVE_PARENT']);

        const wanted = { ...site, mode: 'production', contract: await agree(hub, hubOwner, own.enterprise, 'C-3') };
        const { license } = await post(hub, hubOwner, 'sites/create', wanted);
        const { pem } = license as { pem: string };
        assert.match(await verified(pem, publishers), /license\.pem: OK/);
        const [leaf = '', issuer = ''] = pem.split(/(?=-----BEGIN)/);
        writeFileSync(inRoom('issuer.pem'), issuer);
        writeFileSync(inRoom('leaf.pem'), leaf);
        const files = ['-issuer', inRoom('issuer.pem'), '-cert', inRoom('leaf.pem'), '-url', `${hub.url}/ocsp`];
        const asked = spawnSync('openssl', ['ocsp', ...files, '-noverify'], { encoding: 'utf8' });
        assert.match(asked.stdout, /leaf\.pem: good/, asked.stderr);
        const judge = ['verify', inRoom('license.pem'), '--anchor', inRoom('usb', 'root.pem')];
        assert.match(
          await licet(...judge, '--crl', inRoom('lists.pem')),
          /^Usable: valid\nIssued to license:\/\/globex\.acme\/plant-2 /,
        );

        const there = await server.ask('POST', '/api/v1/sites/create', as(owner), {
          ...site,
          mode: 'production',
          contract,
        });
        assert.deepEqual([there.status, codeOf(there)], [409, 'AUTHORITY_DELEGATED']);
        const end = spawnSync(process.execPath, [LICET, 'contract', 'undelegate', contract, '--yes'], {
          env: { ...process.env, ...surroundings },
          encoding: 'utf8',
        });
        assert.equal(end.stdout, 'revoked: 1\n', end.stderr);
        for (let tries = 0; !/certificate revoked/.test(await verified(pem, publishers)); tries++) {
          assert.ok(tries < 50, 'not seen to be revoked');
          await pause(100);
        }
        assert.match(await licet(...judge, '--crl', inRoom('lists.pem')), /ISSUER_REVOKED/);
      });
    });
  });

  it('leaves nothing but what the page says', () => {
    assert.deepEqual(readdirSync(inRoom('offline')).toSorted(), [
      'crls-2.yaml',
      'crls-2026',
      'crls-2027',
      'crls-2040',
      'crls-3.yaml',
      'crls-last',
      'crls-last.yaml',
      'crls.yaml',
      'organization-2026',
      'organization-2040',
      'organization-wider',
      'organization.yaml',
      'rollover.yaml',
      'root-2026',
      'root-2040',
      'root.yaml',
      'service-2026',
      'service-2040',
      'service.yaml',
      'shares-2041',
      'shares.yaml',
      'sign-2040.yaml',
      'successor-2026',
      'successor.yaml',
      'wider.yaml',
    ]);
    assert.equal(readdirSync(inRoom('online', 'signer', 'authorities')).length, 5);
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
