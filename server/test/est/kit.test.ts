import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { decodeCertificate, decodePem, toHex } from '@licet/format';
import { AgentProcess } from './agent-process.ts';
import { run, type Ran } from './est-server.ts';
import { openWorld, type World } from './world.ts';

const LICET = resolve(import.meta.dirname, '../../../ops/cli/licet.js');

describe('A site and the people at both ends of it', function () {
  this.timeout(60_000);
  let world: World;
  let base: string;
  before(async function () {
    world = await openWorld(this);
    base = mkdtempSync(join(tmpdir(), 'licet-kits-'));
  });
  after(async () => {
    await world?.close();
    if (base !== undefined) rmSync(base, { recursive: true, force: true });
  });

  const at = (name: string) => join(base, name);
  const agentIn = (name: string) => new AgentProcess(at(name));
  const licet = (...args: string[]) => {
    const root = readFileSync(world.at('root.pem'), 'utf8');
    const contexts = at('contexts.json');
    const known = { url: world.base, root, token: world.apiToken };
    writeFileSync(contexts, JSON.stringify({ current: 'here', contexts: { here: known } }), { mode: 0o600 });
    return run(process.execPath, [LICET, ...args], { env: { LICET_CONTEXTS: contexts } });
  };
  const good = async (asked: Promise<Ran>) => {
    const ran = await asked;
    assert.equal(ran.code, 0, `${ran.out}${ran.err}`);
    return ran.out;
  };
  const refused = async (asked: Promise<Ran>, code: string, exit: number) => {
    const { code: ended, err } = await asked;
    assert.match(err, new RegExp(`^.*\\b${code}\\b`, 's'));
    assert.equal(ended, exit, err);
    assert.ok(!err.includes('    at '), err);
  };
  const kit = (...options: string[]) => {
    const to = ['--contract', world.globex.contract.id, '--mode', 'production', '--server', world.base];
    return good(licet('site', 'kit', ...to, ...options));
  };
  /** The words of the command line that the vendor hands over, without the program. */
  const wordsOf = (line: string) => {
    const [program, command = '', ...options] = line.trim().split(' ');
    assert.equal(program, 'licet-agent');
    return [command, ...options] as const;
  };
  const siteId = async (name: string) => {
    const { items } = JSON.parse(await good(licet('site', 'list', '--name', name, '--json'))) as {
      items: { id: string }[];
    };
    return items[0]!.id;
  };
  const serialOf = (pem: string) => toHex(decodeCertificate(decodePem(pem, 'CERTIFICATE')[0]!.bytes).serial);

  it('one line from the vendor is all that the site needs', async () => {
    const agent = agentIn('line');
    await good(agent.run(...wordsOf(await kit('--name', 'line'))));
    assert.match(await good(agent.run('status')), /^license:\/\/globex\.acme\/line: valid/);
    await good(agent.run('renew'));
  });

  it('so is one small file, which only its owner can read, and which is never written over', async () => {
    await kit('--name', 'file', '--out', at('kit.json'));
    assert.equal(statSync(at('kit.json')).mode & 0o777, 0o600);
    const again = licet('site', 'kit', await siteId('line'), '--out', at('kit.json'));
    await refused(again, 'CANNOT_WRITE', 73);
    await good(agentIn('file').run('enrol', '--kit', at('kit.json')));
  });

  it('a kit that was cut off on its way is told from a good one', async () => {
    const [command, ...options] = wordsOf(await kit('--name', 'cut'));
    await refused(agentIn('cut').run(command, ...options.map((one) => one.slice(0, 90))), 'KIT_INVALID', 66);
  });

  it('a kit for one machine is good there, and its license nowhere else', async () => {
    const [mine = ''] = (await good(agentIn('any').run('fingerprints'))).split('\n');
    const here = agentIn('here');
    await good(here.run(...wordsOf(await kit('--name', 'here', '--fingerprint', mine))));
    assert.match(await good(here.run('status')), /valid/);
    // A copy of the folder, on a machine that answers otherwise.
    writeFileSync(join(here.folder, 'agent.json'), JSON.stringify({ servers: [], fingerprints: ['machine:other'] }));
    const moved = await here.run('status');
    assert.match(moved.out, /BINDING_MISMATCH/);
    assert.equal(moved.code, 1);
    const elsewhere = wordsOf(await kit('--name', 'there', '--fingerprint', 'machine:of-somebody-else'));
    await refused(agentIn('there').run(...elsewhere), 'TOKEN_FINGERPRINT', 1);
  });

  it('an enrolment waits until somebody has compared the key and approved it', async () => {
    const line = wordsOf(await kit('--approval'));
    const agent = agentIn('waits');
    const asks = agent.run(...line, '--name', 'waits');
    await refused(asks, 'ENROLMENT_PENDING', 75);
    const key = /The key of this request is ([0-9a-f]{64})/.exec((await asks).err)?.[1];
    const listed = await good(licet('enrolment', 'list', '--waiting', 'yes', '--json'));
    const [waiting, more] = (JSON.parse(listed) as { items: { id: string; asked: { key: string; name: string } }[] })
      .items;
    assert.equal(more, undefined);
    assert.deepEqual([waiting?.asked.key, waiting?.asked.name], [key, 'waits']);
    await good(licet('enrolment', 'approve', waiting!.id));
    await good(agent.run(...line, '--name', 'waits'));
    assert.match(await good(agent.run('status')), /valid/);
    await refused(licet('enrolment', 'decline', waiting!.id, '--yes'), 'ENROLMENT_NOT_WAITING', 65);
  });

  describe('and somebody has copied the machine', () => {
    const page = readFileSync(resolve(import.meta.dirname, '../../../docs/operations.md'), 'utf8');
    const serialIn = async (name: string) =>
      /^ {2}serial (\w+)$/m.exec(await good(agentIn(name).run('status')))?.[1] ?? '';
    const survivorOf = (policy: string) => (policy === 'alarm' ? 'copy' : 'original');
    const renews = (name: string) => agentIn(name).run('renew');

    // What the table of the documentation says of the first and of the second machine.
    for (const [policy, first, second] of [
      ['alarm', '', ''],
      ['quarantine-later', '', 'CLONE_SUSPECTED'],
      ['quarantine-both', 'CLONE_SUSPECTED', 'CLONE_SUSPECTED'],
    ] as const) {
      it(`${policy}: the operator sees which site, chooses one machine, and that one goes on`, async () => {
        assert.match(page, new RegExp(`^\\| \`${policy}\``, 'm'));
        await good(licet('organization', 'change', '--settings', JSON.stringify({ onFork: policy })));
        const names = { original: `${policy}-original`, copy: `${policy}-copy` };
        await good(agentIn(names.original).run(...wordsOf(await kit('--name', policy))));
        cpSync(at(names.original), at(names.copy), { recursive: true, verbatimSymlinks: true });
        const expected = async (name: string, code: string) =>
          code === '' ? void (await good(renews(name))) : refused(renews(name), code, 1);
        await good(renews(names.original));
        await expected(names.copy, second);
        await expected(names.original, first);

        const site = await siteId(policy);
        assert.match(await good(licet('alert', 'list', '--status', 'open')), new RegExp(`${site} +clone-suspected`));
        const survivor = survivorOf(policy);
        const loser = survivor === 'copy' ? 'original' : 'copy';
        const serial = await serialIn(names[survivor]);
        const forks = await good(licet('site', 'forks'));
        for (const one of [serial, await serialIn(names[loser])])
          assert.match(forks, new RegExp(`^${one} .*${site} `, 'm'));
        await good(licet('site', 'survivor', site, '--serial', serial, '--yes'));
        await good(renews(names[survivor]));
        await refused(renews(names[loser]), 'LICENSE_REVOKED', 1);
        assert.equal(await good(licet('site', 'forks')), 'There are none.\n');
        assert.equal(await good(licet('alert', 'list', '--status', 'open')), 'There are none.\n');
      });
    }
  });

  describe('without any connection', () => {
    const agent = () => agentIn('island');
    const carry = (name: string, ...more: string[]) =>
      licet('license', 'sign', '--in', at(`${name}.req`), '--out', at(`${name}.lic`), ...more);

    it('a request goes out as a file and a license comes back, the first time and for a renewal', async () => {
      await refused(agent().run('request', '--out', at('first.req')), 'USAGE', 64);
      await good(agent().run('request', '--out', at('first.req'), '--root', world.at('root.pem')));
      await refused(carry('first'), 'OPTION_MISSING', 64);
      const wanted = ['--contract', world.globex.contract.id, '--mode', 'production', '--name', 'island'];
      await good(licet('site', 'create', ...wanted));
      await good(carry('first', '--site', await siteId('island')));
      assert.equal(await good(agent().run('accept', '--in', at('first.lic'))), 'accepted\n');
      assert.match(await good(agent().run('status')), /^license:\/\/globex\.acme\/island: valid/);

      await good(agent().run('request', '--out', at('next.req')));
      await good(carry('next'));
      await good(agent().run('accept', '--in', at('next.lic')));
      assert.equal(serialOf(agent().license()), serialOf(readFileSync(at('next.lic'), 'utf8')));
      await refused(agent().run('renew'), 'NO_SERVER', 1);
    });

    it('carried twice is no harm: the same request, the same license, in use already', async () => {
      const before = readFileSync(at('next.lic'), 'utf8');
      await good(carry('next'));
      assert.equal(serialOf(readFileSync(at('next.lic'), 'utf8')), serialOf(before));
      assert.equal(await good(agent().run('accept', '--in', at('next.lic'))), 'in use already\n');
    });

    it('an older answer, another site’s, a tampered one and no license at all leave what is there', async () => {
      const had = agent().license();
      await refused(agentIn('line').run('accept', '--in', at('first.lic')), 'USAGE', 64);
      await good(agent().run('request', '--out', at('third.req')));
      await refused(agent().run('accept', '--in', at('first.lic')), 'ANSWER_INVALID', 1);
      await refused(agent().run('accept', '--in', join(at('line'), 'site.lic')), 'ANSWER_INVALID', 1);
      await good(carry('third'));
      const answer = readFileSync(at('third.lic'), 'utf8');
      const [leaf, ...chain] = decodePem(answer, 'CERTIFICATE').map(({ bytes }) => bytes);
      // The last byte of the signature: everything else of the license is as it was.
      const bent = Uint8Array.from(leaf!, (byte, index) => (index === leaf!.length - 1 ? byte ^ 1 : byte));
      const pem = (der: Uint8Array) =>
        `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString('base64')}\n-----END CERTIFICATE-----\n`;
      writeFileSync(at('bent.lic'), [bent, ...chain].map(pem).join(''));
      await refused(agent().run('accept', '--in', at('bent.lic')), 'ANSWER_INVALID', 1);
      writeFileSync(at('half.lic'), answer.slice(0, 400));
      await refused(agent().run('accept', '--in', at('half.lic')), 'LICENSE_INVALID', 1);
      assert.equal(agent().license(), had);
      await good(agent().run('accept', '--in', at('third.lic')));
      assert.ok(!existsSync(join(at('island'), 'pending')));
    });

    it('a damaged request, and a second one for the same site, are refused where they are brought to', async () => {
      writeFileSync(at('damaged.req'), readFileSync(at('third.req'), 'utf8').slice(0, 200));
      await refused(carry('damaged'), 'NO_REQUEST', 66);
      await good(agentIn('second').run('request', '--out', at('second.req'), '--root', world.at('root.pem')));
      await refused(carry('second', '--site', await siteId('island')), 'SITE_ENROLLED', 65);
    });
  });
});
