import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { requireTool } from '@licet/checks';
import { decodeCertificate, decodeCertsOnly, decodePem, encodePem, fromBase64, toHex } from '@licet/format';
import { TrustAnchors, verifyLicense } from '@licet/verify';
import { rollOver } from '../../authority/rollover.ts';
import { reinstateSite, suspendSite } from '../../licensing/sites/site-life.ts';
import { updateSite } from '../../licensing/sites/update-site.ts';
import { sql } from '../../persistence/database.ts';
import { AgentProcess, askSocket, memoryOf, NO_EVIDENCE, openWire } from './agent-process.ts';
import { run } from './est-server.ts';
import { startDeliverer } from '../../jobs/outbox-deliverer.ts';
import { declareIncident } from '../../licensing/identity/declare-incident.ts';
import { incidents } from '../../persistence/identity/renewal.ts';
import { changeContract } from '../../licensing/contracts/contracts.ts';
import { OWNER } from '../../licensing/test/office.ts';
import { outbox } from '../../persistence/outbox.ts';
import { contractSubscriber } from '../../wiring/contracts.ts';
import { openWorld, type World } from './world.ts';

const LICET = resolve(import.meta.dirname, '../../../ops/cli/licet.js');
const MOST_KB = 80 * 1024;
/** It needs 25 MB; what takes the types off a program, should a file be missing in the cache, 35 MB. */
const OWN_MOST_KB = 40 * 1024;

describe('licet-agent before the real authority', function () {
  this.timeout(60_000);
  let world: World;
  let base: string;
  let fingerprint: string;
  before(async function () {
    world = await openWorld(this);
    base = mkdtempSync(join(tmpdir(), 'licet-sites-'));
    const [root] = decodePem(readFileSync(world.at('root.pem'), 'utf8'), 'CERTIFICATE');
    fingerprint = createHash('sha256').update(root!.bytes).digest('hex');
  });
  after(async () => {
    await world?.close();
    if (base !== undefined) rmSync(base, { recursive: true, force: true });
  });

  const good = async (asked: ReturnType<AgentProcess['run']>) => {
    const ran = await asked;
    assert.equal(ran.code, 0, `${ran.out}${ran.err}`);
    return ran.out;
  };
  const refused = async (asked: ReturnType<AgentProcess['run']>, code: string, exit = 1) => {
    const { code: ended, err } = await asked;
    assert.match(err, new RegExp(`^licet-agent: .+ \\[${code}\\]\n$`, 's'));
    assert.equal(ended, exit, err);
    assert.ok(!err.includes('    at '), err);
  };
  const enrol = (agent: AgentProcess, secret: string, ...more: string[]) =>
    agent.run('enrol', '--server', world.base, '--fingerprint', fingerprint, '--token', secret, ...more);
  const siteNamed = async (name: string): Promise<AgentProcess> => {
    const agent = new AgentProcess(join(base, name));
    await good(enrol(agent, await world.token(world.globex.contract, name)));
    return agent;
  };
  const serialOf = (agent: AgentProcess) =>
    toHex(decodeCertificate(decodePem(agent.license(), 'CERTIFICATE')[0]!.bytes).serial);
  const licensesOf = (name: string) =>
    world.database.run({ organization: 'acme' }, async (tx) => {
      const found = await sql(tx).query(
        `select l.serial, s.status from licenses l join sites s on s.id = l.site where s.name = $1 order by l.sequence`,
        [name],
      );
      return found as { serial: string; status: string }[];
    });

  it('enrols with one command, renews with a new key, and licet verify takes what lies there', async () => {
    const agent = new AgentProcess(join(base, 'first'));
    const enrolled = await enrol(agent, await world.token(world.globex.contract, 'first'));
    assert.equal(enrolled.code, 0, enrolled.err);
    assert.match(enrolled.err, NO_EVIDENCE);
    assert.match(await good(agent.run('status')), /^license:\/\/globex\.acme\/first: valid, until /);
    const [key, serial] = [readFileSync(join(agent.folder, 'site.key'), 'utf8'), serialOf(agent)];
    assert.equal(await good(agent.run('renew')), 'renewed\n');
    assert.notEqual(serialOf(agent), serial);
    assert.notEqual(readFileSync(join(agent.folder, 'site.key'), 'utf8'), key);
    assert.ok(!existsSync(join(agent.folder, 'pending')));
    const anchor = ['--anchor', join(agent.folder, 'root.pem')];
    const verified = await run(process.execPath, [
      LICET,
      'verify',
      join(agent.folder, 'site.lic'),
      ...anchor,
      '--json',
    ]);
    assert.equal(verified.code, 0, `${verified.out}${verified.err}`);
    const verdict = JSON.parse(verified.out) as { state: string; holder: { uri: string } };
    assert.deepEqual([verdict.state, verdict.holder.uri], ['valid', 'license://globex.acme/first']);
  });

  it('tells the person at the site when and why its license is renewed, also in an incident', async () => {
    const agent = await siteNamed('hurried');
    const usually = /\n  to be renewed from (\S+)\n$/;
    const usual = usually.exec(await good(agent.run('status')))?.[1] ?? '';
    assert.ok(Date.parse(usual) > Date.now() + 86_400_000, usual);
    const explanation = 'The key of your CA is being replaced.';
    const declared = await declareIncident({ ...world.deps, incidents }, OWNER, {
      serials: [serialOf(agent)],
      explanation,
      hours: 1,
    });
    const running = agent.start('run');
    const hasExited = once(running, 'exit');
    const moved = new RegExp(`\n  to be renewed \\S.* (\\S+), moved by the authority: ${explanation}\n$`);
    let said = '';
    for (let tries = 0; tries < 100 && !moved.test(said); tries++) said = await good(agent.run('status'));
    const at = Date.parse(moved.exec(said)?.[1] ?? '');
    assert.ok(at <= declared.endsAt.getTime(), said);
    const { renewal } = JSON.parse(await good(agent.run('status', '--json'))) as { renewal: object };
    assert.deepEqual(renewal, { at: new Date(at).toISOString(), explanation });
    running.kill('SIGTERM');
    await hasExited;
    await good(agent.run('renew'));
    assert.match(await good(agent.run('status')), usually, 'that was said about the license before');
  });

  it('is shown the old and the new CA of a rollover, and goes on below the new one', async function () {
    requireTool(this, 'curl');
    const agent = await siteNamed('rolled-over');
    const before = decodePem(agent.license(), 'CERTIFICATE').map(({ bytes }) => bytes);
    const { authority, deps } = world;
    const parts = { ...authority, signer: authority.journal.signer, clock: deps.clock };
    const role = { organization: 'acme', kind: 'organization', enterprise: undefined, contract: undefined } as const;
    const own = { ...role, kind: 'enterprise', enterprise: 'globex', contract: world.globex.contract.id } as const;
    const organization = await rollOver(parts, (await authority.directory.active(role))!.authority.key);
    const enterprise = await rollOver(parts, (await authority.directory.active(own))!.authority.key);
    const asked = ['-sS', '--cacert', world.at('root.pem'), `${world.base}/.well-known/est/globex.acme/cacerts`];
    const shown = decodeCertsOnly(fromBase64((await run('curl', asked)).out, 'lenient')).map(toHex);
    for (const { from, to } of [organization, enterprise]) {
      assert.ok([from, to].every(({ certificate }) => shown.includes(toHex(certificate))));
    }
    await good(agent.run('renew'));
    const after = decodePem(agent.license(), 'CERTIFICATE').map(({ bytes }) => bytes);
    assert.deepEqual(
      after.slice(1).map(toHex),
      [enterprise.to, organization.to].map((one) => toHex(one.certificate)),
    );
    for (const chain of [before, after]) {
      const anchors = TrustAnchors.fromPem(readFileSync(world.at('root.pem'), 'utf8'));
      const bundle = chain.map((der) => encodePem('CERTIFICATE', der)).join('');
      assert.equal((await verifyLicense(bundle, { anchors, at: new Date() })).state, 'valid');
    }
  });

  it('is worth less from the moment on in which its contract was lowered', async () => {
    const { authority, deps, initech } = world;
    const agent = new AgentProcess(join(base, 'lowered'));
    await good(enrol(agent, await world.token(initech.contract, 'lowered')));
    const [, before] = decodePem(agent.license(), 'CERTIFICATE').map(({ bytes }) => decodeCertificate(bytes));
    const role = { organization: 'acme', kind: 'enterprise', enterprise: 'initech' } as const;
    const ca = async () => (await authority.directory.active({ ...role, contract: initech.contract.id }))!;
    const issuer = (await ca()).authority.parent!;
    const hears = { transactions: world.database, outbox, random: deps.random, pollMs: 20 };
    const log = { info: () => {}, warn: () => {}, error: (fields: object) => assert.fail(JSON.stringify(fields)) };
    const deliverer = await startDeliverer([contractSubscriber({ licensing: deps, authority })], { ...hears, log });
    try {
      const { limits, reporting: _, ...sold } = initech.contract.terms;
      const terms = { ...sold, limits: [...limits], features: ['press'] };
      const term = { ...initech.contract.term, lastDay: `${new Date().getUTCFullYear() + 1}-06-30` };
      await changeContract(deps)(OWNER, { id: initech.contract.id, terms, term });
      const [found] = await authority.revocations.find([{ issuer, serial: before!.serial }]);
      assert.equal(found?.state.state, 'revoked', 'the older CA certificate');
      for (let tries = 0; (await ca()).generation.claims?.features.length !== 1; tries++) {
        assert.ok(tries < 250, 'there is no other CA certificate');
        await pause(20);
      }
    } finally {
      await deliverer.stop();
    }
    const { generation } = await ca();
    assert.deepEqual(generation.claims?.features, ['press']);
    assert.ok(generation.chain[0]!.notAfter < before!.notAfter, 'its end is that of the contract');
    const own = decodePem(agent.license(), 'CERTIFICATE')[0]!.bytes;
    for (const [i, crl] of (await world.crls()).entries()) {
      writeFileSync(join(agent.folder, 'evidence', `planted-${i}.crl`), crl);
    }
    assert.match((await agent.run('status')).out, /ISSUER_REVOKED/);
    const child = agent.start('run');
    let told = '';
    child.stdout?.on('data', (data) => (told += String(data)));
    while (!told.includes('the license is valid')) await once(child.stdout!, 'data');
    assert.match(told, /certified anew: its chain is renewed/);
    child.kill('SIGTERM');
    await once(child, 'close');
    const chain = decodePem(agent.license(), 'CERTIFICATE').map(({ bytes }) => bytes);
    assert.deepEqual(chain.slice(0, 2), [own, generation.chain[0]!.der], 'the license is the same');
    assert.match(await good(agent.run('status')), /initech\.acme\/lowered: valid/);
    await good(agent.run('renew'));
  });

  it('names the site itself where the token leaves the name open', async () => {
    const agent = new AgentProcess(join(base, 'named-here'));
    const secret = await world.token(world.globex.contract);
    await refused(enrol(agent, secret), 'NAME_NEEDED');
    await good(enrol(agent, secret, '--name', 'named-here', '--label', 'globex.acme'));
    assert.match(await good(agent.run('status')), /^license:\/\/globex\.acme\/named-here: valid/);
  });

  it('tells nothing to a server with another root, and writes nothing down', async () => {
    const wire = await openWire(world.served.port);
    const agent = new AgentProcess(join(base, 'elsewhere'));
    const secret = await world.token(world.globex.contract, 'elsewhere');
    const wrong = 'ab'.repeat(32);
    await refused(
      agent.run('enrol', '--server', wire.address, '--fingerprint', wrong, '--token', secret),
      'ROOT_MISMATCH',
    );
    assert.equal(wire.state.connections, 1, 'it asks for the root and then no more');
    assert.deepEqual(readdirSync(agent.folder).sort(), ['evidence', 'generations', 'lock']);
    wire.close();
    await good(enrol(agent, secret));
  });

  for (const [what, secret, more, code] of [
    ['a token that never was', () => `licet-enrol.acme.${'A'.repeat(43)}`, [], 'TOKEN_UNKNOWN'],
    [
      'the label of another enterprise',
      () => world.token(world.globex.contract, 'foreign'),
      ['--label', 'initech.acme'],
      'ENTERPRISE_MISMATCH',
    ],
    ["another site's name", () => world.token(world.globex.contract, 'own'), ['--name', 'other'], 'TOKEN_NAME'],
  ] as [string, () => string | Promise<string>, string[], string][]) {
    it(`hears the code of the server for ${what}`, async () => {
      const agent = new AgentProcess(join(base, `refused-${code}`));
      await refused(enrol(agent, await secret(), ...more), code);
      assert.ok(!existsSync(join(agent.folder, 'site.lic')));
    });
  }

  it('keeps what it had when a used token is tried over it, and when it was revoked', async () => {
    const secret = await world.token(world.globex.contract, 'used');
    const agent = new AgentProcess(join(base, 'used'));
    await good(enrol(agent, secret));
    const had = agent.license();
    await refused(enrol(agent, secret), 'ALREADY_ENROLLED');
    await refused(enrol(new AgentProcess(join(base, 'used-again')), secret), 'TOKEN_USED');
    await world.database.run({ organization: 'acme' }, (tx) =>
      world.deps.stores.licenses.setStatus(tx, [serialOf(agent)], 'revoked'),
    );
    await refused(agent.run('renew'), 'LICENSE_REVOKED');
    assert.equal(agent.license(), had);
  });

  describe('killed between the answer and its saving', () => {
    /** The server has renewed its license; it is killed before it hears of that. */
    const losesTheAnswer = async (name: string) => {
      const agent = await siteNamed(name);
      const file = join(agent.folder, 'agent.json');
      const settings = readFileSync(file);
      const wire = await openWire(world.served.port);
      writeFileSync(file, JSON.stringify({ servers: [wire.address] }));
      wire.state.loses = true;
      const child = agent.start('renew');
      for (let tries = 0; (await licensesOf(name)).length < 2; tries++) {
        assert.ok(tries < 500, 'the server has not renewed');
        await pause(20);
      }
      assert.equal(child.exitCode, null, 'the agent has not waited for the answer');
      child.kill('SIGKILL');
      await once(child, 'close');
      wire.close();
      writeFileSync(file, settings);
      const [first, second] = await licensesOf(name);
      assert.equal(serialOf(agent), first?.serial, 'what it had is in use');
      return { agent, given: second?.serial };
    };
    const goesOn = async (agent: AgentProcess, name: string, given: string | undefined) => {
      await good(agent.run('renew'));
      assert.equal(serialOf(agent), given);
      await good(agent.run('renew'));
      const all = await licensesOf(name);
      assert.deepEqual(
        all.map(({ status }) => status),
        ['active', 'active', 'active'],
      );
    };

    it('gets the same license again and is taken for no clone', async () => {
      const { agent, given } = await losesTheAnswer('killed');
      await goesOn(agent, 'killed', given);
    });

    it('also when it was suspended before it asked again', async () => {
      const { agent, given } = await losesTheAnswer('held');
      const { items } = await world.database.run({ organization: 'acme' }, (tx) =>
        world.deps.stores.sites.list(tx, { where: { name: 'held' }, limit: 1 }),
      );
      const id = items[0]!.id;
      await suspendSite(world.deps)(OWNER, { id });
      await refused(agent.run('renew'), 'LICENSE_SUSPENDED');
      await reinstateSite(world.deps)(OWNER, { id });
      await goesOn(agent, 'held', given);
    });
  });

  it('renews at once when the server says so, and tells who has to load it', async () => {
    const agent = await siteNamed('hooked');
    writeFileSync(join(agent.folder, 'agent.json'), JSON.stringify({ servers: ['https://localhost:9', world.base] }));
    const before = serialOf(agent);
    await world.database.run({ organization: 'acme' }, async (tx) => {
      const { items } = await world.deps.stores.sites.list(tx, { where: { name: 'hooked' }, limit: 1 });
      await updateSite(world.deps)(OWNER, { id: items[0]!.id, mode: 'development' });
    });
    const child = agent.start('run', '--hook', 'cp "$LICET_FOLDER/site.lic" "$LICET_FOLDER/loaded.lic"');
    const loaded = join(agent.folder, 'loaded.lic');
    for (let tries = 0; !existsSync(loaded) && tries < 500; tries++) await pause(20);
    child.kill('SIGTERM');
    await once(child, 'close');
    assert.equal(readFileSync(loaded, 'utf8'), agent.license());
    assert.notEqual(serialOf(agent), before);
    const verdict = JSON.parse(await good(agent.run('status', '--json'))) as { mode: string; watermark: boolean };
    assert.deepEqual([verdict.mode, verdict.watermark], ['development', true]);
  });

  it('works alone in its folder, answers products there, and stays below 80 MB', async () => {
    const agent = await siteNamed('running');
    const socketPath = join(agent.folder, 'agent.sock');
    const metrics = join(agent.folder, 'licet.prom');
    writeFileSync(
      join(agent.folder, 'agent.json'),
      JSON.stringify({ servers: [world.base], socket: socketPath, metrics }),
    );
    const child = await agent.startByUnit();
    let told = '';
    child.stdout?.on('data', (data) => (told += String(data)));
    child.stderr?.on('data', (data) => (told += String(data)));
    try {
      while (!told.includes('the license is valid')) await once(child.stdout!, 'data');
      await refused(agent.run('renew'), 'FOLDER_IN_USE');
      for (let round = 0; round < 50; round++) {
        const verdict = JSON.parse(await askSocket(socketPath, '/v1/verdict')) as { state: string; usable: boolean };
        assert.deepEqual([verdict.state, verdict.usable], ['valid', true]);
      }
      assert.equal(await askSocket(socketPath, '/v1/license'), agent.license());
      assert.match(readFileSync(metrics, 'utf8'), /^licet_site_state\{state="valid"\} 1$/m);
      const { own, most } = memoryOf(child.pid);
      assert.ok(own < OWN_MOST_KB, `${own} kB of its own`);
      assert.ok(most < MOST_KB, `${most} kB at most`);
    } finally {
      child.kill('SIGTERM');
      const [code] = (await once(child, 'close')) as [number];
      assert.equal(code, 0, told);
    }
  });
});
