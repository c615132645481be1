import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodePem } from '@licet/format';
import { type TestDatabase, testDatabase } from '../persistence/test/test-database.ts';
import { client, overTls } from './api/client.ts';
import { AgentProcess } from './est/agent-process.ts';

// The whole server as a process, with everything that certificates point to.
describe('A site that was just enrolled', function () {
  this.timeout(60_000);
  let folder: string;
  let database: TestDatabase;
  let server: ChildProcess;
  let address: string;
  const at = (name: string) => join(folder, name);

  before(async function () {
    database = await testDatabase(this);
    this.timeout(60_000);
    folder = mkdtempSync(join(tmpdir(), 'licet-enrolled-'));
    const ports = ['--http.port', '0', '--http.plain.port', '0', '--operations.port', '0'];
    server = spawn(process.execPath, [join(import.meta.dirname, '../start.js'), ...ports], {
      cwd: folder,
      env: {
        PATH: process.env['PATH'] ?? '',
        DATABASE_URL: database.url,
        LICET_DATA_FOLDER: at('data'),
        LICET_AUTHORITY_EVALUATION: 'on',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    for await (const chunk of server.stdout ?? []) {
      said += String(chunk);
      const ready = said.split('\n').find((line) => line.includes('"message":"ready"') && line.endsWith('}'));
      if (ready === undefined) continue;
      const { address: secure, publishing } = JSON.parse(ready) as { address: string; publishing: string };
      address = secure;
      writeFileSync(at('root.pem'), await (await fetch(`${publishing}/ca/roots.pem`)).text());
      return;
    }
    assert.fail(`the server has not started: ${said}`);
  });

  after(async () => {
    server?.kill('SIGKILL');
    if (server?.exitCode === null && server.signalCode === null) await once(server, 'close');
    await database?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  const office = () => client(address, readFileSync(at('data/owner.token'), 'utf8').trim(), overTls());
  const kitFor = async (name: string): Promise<string[]> => {
    const api = office();
    const { items } = (await api.ok('GET', '/api/v1/contracts')).body as { items: { id: string }[] };
    const asked = { contract: items[0]!.id, name, mode: 'development' };
    const { enrolment } = (await api.ok('POST', '/api/v1/sites/create', asked)).body as {
      enrolment: { token: string };
    };
    const [root] = decodePem(readFileSync(at('root.pem'), 'utf8'), 'CERTIFICATE');
    const fingerprint = createHash('sha256').update(root!.bytes).digest('hex');
    return ['--server', address, '--fingerprint', fingerprint, '--token', enrolment.token];
  };
  const done = async (ran: ReturnType<AgentProcess['run']>) => {
    const { code, out, err } = await ran;
    assert.equal(code, 0, `${out}${err}`);
    return { out, err };
  };
  const status = async (agent: AgentProcess) => (await done(agent.run('status'))).out;

  it('knows by itself that it is not revoked, and again after a renewal', async () => {
    const agent = new AgentProcess(at('site'));
    assert.equal((await done(agent.run('enrol', ...(await kitFor('plant-1'))))).err, '');
    assert.match(await status(agent), /: valid, until /);
    assert.doesNotMatch(await status(agent), /STATUS_UNKNOWN/);
    for (const name of readdirSync(at('site/evidence'))) rmSync(at(`site/evidence/${name}`));
    assert.match(await status(agent), /STATUS_UNKNOWN/);
    assert.equal((await done(agent.run('renew'))).err, '');
    assert.doesNotMatch(await status(agent), /STATUS_UNKNOWN/);
  });

  it('is renewed all the same, and told so, where no evidence can be kept', async () => {
    const agent = new AgentProcess(at('full'));
    await done(agent.run('enrol', ...(await kitFor('plant-2'))));
    const before = agent.license();
    for (const name of readdirSync(at('full/evidence'))) {
      rmSync(at(`full/evidence/${name}`));
      mkdirSync(at(`full/evidence/${name}`));
    }
    const { out, err } = await done(agent.run('renew'));
    assert.equal(out, 'renewed\n');
    assert.match(
      err,
      /^licet-agent: The license is in place, but not all evidence about its revocation is \(.+\): .+\n$/,
    );
    assert.notEqual(agent.license(), before);
  });

  it('enrols anew in its folder when its license is revoked, and not before', async () => {
    const agent = new AgentProcess(at('anew'));
    await done(agent.run('enrol', ...(await kitFor('plant-3'))));
    const before = agent.license();
    const kit = await kitFor('plant-4');
    assert.match((await agent.run('enrol', ...kit)).err, / \[ALREADY_ENROLLED\]\n$/);
    const serial = new X509Certificate(before).serialNumber.toLowerCase();
    await office().ok('POST', `/api/v1/licenses/${serial}/revoke`, { reason: 'keyCompromise' });
    // Leaves the request of a renewal behind, which no token is for.
    assert.match((await agent.run('renew')).err, / \[LICENSE_REVOKED\]\n$/);
    const unknown = [...kit.slice(0, -1), 'licet-enrol.nothing'];
    assert.match((await agent.run('enrol', ...unknown)).err, / \[TOKEN_UNKNOWN\]\n$/);
    assert.equal(agent.license(), before);
    assert.equal((await done(agent.run('enrol', ...kit))).err, '');
    assert.match(await status(agent), /\/plant-4: valid, until /);
    await done(agent.run('renew'));
    assert.match((await agent.run('enrol', ...kit)).err, / \[ALREADY_ENROLLED\]\n$/);
  });
});
