import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireThat } from '@licet/checks';
import { decodePem } from '@licet/format';
import {
  ACCESS_KEY,
  createSoftToken,
  PIN,
  pkcs11Module,
  SECRET_KEY,
  type SecretsEndpoint,
  softHsmLibrary,
  startSecretsEndpoint,
  TOKEN,
} from '@licet/keystores/testing';
import { possessionMessage } from '@licet/verify';
import { sql } from '../../persistence/database.ts';
import { AgentProcess, askSocket, memoryOf } from './agent-process.ts';
import { run, type Ran } from './est-server.ts';
import { openWorld, type World } from './world.ts';

const MOST_KB = 80 * 1024;

describe('A site whose key lies elsewhere', function () {
  this.timeout(60_000);
  let world: World;
  let base: string;
  let fingerprint: string;
  before(async function () {
    world = await openWorld(this);
    base = mkdtempSync(join(tmpdir(), 'licet-places-'));
    const [root] = decodePem(readFileSync(world.at('root.pem'), 'utf8'), 'CERTIFICATE');
    fingerprint = createHash('sha256').update(root!.bytes).digest('hex');
  });
  after(async () => {
    await world?.close();
    if (base !== undefined) rmSync(base, { recursive: true, force: true });
  });

  const good = async (asked: Promise<Ran>) => {
    const ran = await asked;
    assert.equal(ran.code, 0, `${ran.out}${ran.err}`);
    return ran.out;
  };
  /** Where keys lie is said before the site enrols. */
  const prepared = (name: string, settings: object) => {
    const agent = new AgentProcess(join(base, name));
    mkdirSync(agent.folder, { recursive: true });
    writeFileSync(join(agent.folder, 'agent.json'), JSON.stringify({ servers: [], ...settings }));
    return agent;
  };
  const enrol = async (agent: AgentProcess, name: string) => {
    const token = await world.token(world.globex.contract, name);
    return agent.run('enrol', '--server', world.base, '--fingerprint', fingerprint, '--token', token);
  };

  describe('in a PKCS#11 token', () => {
    let agent: AgentProcess;
    const pinFile = () => join(base, 'pin');
    before(async function () {
      const [library, module] = [softHsmLibrary(), pkcs11Module()];
      const missing = [...(library === undefined ? ['SoftHSM 2'] : []), ...(module === undefined ? ['pkcs11js'] : [])];
      requireThat(this, missing);
      createSoftToken(base);
      writeFileSync(pinFile(), `${PIN}\n`, { mode: 0o600 });
      agent = prepared('token', { pkcs11: { library, module, token: TOKEN, pinFile: pinFile() } });
      await good(enrol(agent, 'in-token'));
    });
    /** Files of the token: the halves of each key, and one of its own. */
    const keysInToken = () => {
      const files = readdirSync(join(base, 'tokens'), { recursive: true, encoding: 'utf8' });
      return (files.filter((name) => name.endsWith('.object')).length - 1) / 2;
    };

    it('is born there, and what lies in the folder is its address', async () => {
      const key = readFileSync(join(agent.folder, 'site.key'), 'utf8');
      assert.match(key, /^pkcs11:token=licet-test;object=licet-site-[0-9a-f]{16};type=private$/);
      assert.match(await good(agent.run('status')), /^license:\/\/globex\.acme\/in-token: valid/);
    });

    it('is renewed over TLS that knows nothing of it, by a proof in the request, with a new key each time', async () => {
      const seen = new Set([readFileSync(join(agent.folder, 'site.key'), 'utf8')]);
      for (let round = 0; round < 3; round++) {
        await good(agent.run('renew'));
        seen.add(readFileSync(join(agent.folder, 'site.key'), 'utf8'));
      }
      assert.equal(seen.size, 4);
    });

    it('proves to products that it is there, and leaves room in the token for others', async () => {
      const socket = join(agent.folder, 'agent.sock');
      const settings = JSON.parse(readFileSync(join(agent.folder, 'agent.json'), 'utf8')) as object;
      writeFileSync(join(agent.folder, 'agent.json'), JSON.stringify({ ...settings, socket }));
      const child = await agent.startByUnit();
      try {
        const challenge = Buffer.alloc(32, 7);
        const body = JSON.stringify({ challenge: challenge.toString('base64') });
        const { signature } = JSON.parse(await askSocket(socket, '/v1/possession', body)) as { signature: string };
        writeFileSync(join(base, 'message'), possessionMessage(challenge));
        writeFileSync(join(base, 'signature'), Buffer.from(signature, 'base64'));
        const site = [
          'x509',
          '-in',
          join(agent.folder, 'site.lic'),
          '-noout',
          '-pubkey',
          '-out',
          join(base, 'pub.pem'),
        ];
        await good(run('openssl', site));
        const verify = ['-verify', join(base, 'pub.pem'), '-signature', join(base, 'signature'), join(base, 'message')];
        assert.equal(await good(run('openssl', ['dgst', '-sha256', ...verify])), 'Verified OK\n');
        assert.ok(memoryOf(child.pid).most < MOST_KB, `${memoryOf(child.pid).most} kB`);
      } finally {
        child.kill('SIGTERM');
        await once(child, 'close');
      }
      assert.equal(keysInToken(), 3, 'the current key and two before it');
    });

    it('reports what was used, by a signature over the request that TLS knows nothing of', async () => {
      const file = join(base, 'usage.json');
      const at = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();
      writeFileSync(file, JSON.stringify({ from: at(2), to: at(1), usage: { machines: 2 } }));
      for (let round = 0; round < 3; round++) {
        assert.equal(await good(agent.run('report', '--file', file)), 'reported\n');
      }
      const reported = await world.database.run({ organization: 'acme' }, (tx) =>
        sql(tx).query(`select usage from usage_reports r join sites s on s.id = r.site where s.name = 'in-token'`),
      );
      assert.deepEqual(reported, [{ usage: { machines: 2 } }]);
    });

    it('that does not take the PIN says so, and nothing is lost', async () => {
      writeFileSync(pinFile(), '9999');
      const { code, err } = await agent.run('renew');
      assert.match(err, /^licet-agent: The token does not take the PIN.* \[KEY_UNAVAILABLE\]\n$/);
      assert.equal(code, 69);
    });
  });

  describe('in AWS Secrets Manager', () => {
    let endpoint: SecretsEndpoint;
    before(async () => {
      endpoint = await startSecretsEndpoint();
      process.env['AWS_ACCESS_KEY_ID'] = ACCESS_KEY;
      process.env['AWS_SECRET_ACCESS_KEY'] = SECRET_KEY;
    });
    after(async () => {
      delete process.env['AWS_ACCESS_KEY_ID'];
      delete process.env['AWS_SECRET_ACCESS_KEY'];
      await endpoint.close();
    });

    it('goes from a machine to the next, which renews it and is no clone', async () => {
      const secretsManager = { secret: 'licet/site', region: 'eu-central-1', endpoint: endpoint.url };
      const first = prepared('cloud-1', { secretsManager });
      await good(enrol(first, 'cloud'));
      const license = first.license();
      rmSync(first.folder, { recursive: true });

      const second = prepared('cloud-2', { secretsManager, servers: [world.base] });
      assert.match(await good(second.run('status')), /^license:\/\/globex\.acme\/cloud: valid/);
      assert.equal(second.license(), license);
      await good(second.run('renew'));

      const third = prepared('cloud-3', { secretsManager, servers: [world.base] });
      await good(third.run('renew'));
      assert.match(await good(third.run('status')), /valid/);
      assert.equal([...endpoint.secrets.values()][0]!.versions.size >= 5, true);
    });

    it('that is away keeps no product from its license, and nothing is renewed meanwhile', async () => {
      const secretsManager = { secret: 'licet/away', region: 'eu-central-1', endpoint: endpoint.url };
      const agent = prepared('away', { secretsManager });
      await good(enrol(agent, 'away'));
      const license = agent.license();
      const socket = join(agent.folder, 'agent.sock');
      const settings = JSON.parse(readFileSync(join(agent.folder, 'agent.json'), 'utf8')) as object;
      writeFileSync(join(agent.folder, 'agent.json'), JSON.stringify({ ...settings, socket }));
      endpoint.failWith = 500;
      const child = await agent.startByUnit();
      try {
        assert.equal(await askSocket(socket, '/v1/license'), license);
        assert.ok(memoryOf(child.pid).most < MOST_KB, `${memoryOf(child.pid).most} kB`);
      } finally {
        child.kill('SIGTERM');
        await once(child, 'close');
      }
      const status = await agent.run('status');
      assert.match(status.out, /^license:\/\/globex\.acme\/away: valid/);
      assert.match(status.err, /the license is the one in the folder, for now: AWS secretsmanager .* 500/);
      const renewal = await agent.run('renew');
      assert.match(renewal.err, /\[UNAVAILABLE\]\n$/);
      assert.equal(renewal.code, 69);
      endpoint.failWith = undefined;
      await good(agent.run('renew'));
    });
  });
});
