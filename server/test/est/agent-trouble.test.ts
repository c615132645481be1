import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { requireTool } from '@licet/checks';
import { decodePem } from '@licet/format';
import { AgentProcess, askSocket, NO_EVIDENCE } from './agent-process.ts';
import { openWorld, type World } from './world.ts';

/** What goes wrong at sites: each ends in one sentence with its code, and the site keeps what it had. */
describe('licet-agent in trouble', function () {
  this.timeout(60_000);
  let world: World;
  let base: string;
  let agent: AgentProcess;
  const open: (Server | ChildProcess)[] = [];
  before(async function () {
    requireTool(this, 'openssl', 'faketime');
    world = await openWorld(this);
    base = mkdtempSync(join(tmpdir(), 'licet-trouble-'));
    agent = new AgentProcess(join(base, 'site'));
    await good(enrol(agent, 'trouble'));
    cpSync(agent.folder, join(base, 'kept'), { recursive: true, verbatimSymlinks: true });
  });
  afterEach(() => {
    for (const one of open.splice(0)) {
      if ('close' in one) one.close();
      else one.kill('SIGKILL');
    }
    rmSync(agent.folder, { recursive: true });
    cpSync(join(base, 'kept'), agent.folder, { recursive: true, verbatimSymlinks: true });
  });
  after(async () => {
    await world?.close();
    if (base !== undefined) rmSync(base, { recursive: true, force: true });
  });

  const enrol = async (site: AgentProcess, name: string, ...more: string[]) => {
    const [root] = decodePem(readFileSync(world.at('root.pem'), 'utf8'), 'CERTIFICATE');
    const fingerprint = createHash('sha256').update(root!.bytes).digest('hex');
    const token = await world.token(world.globex.contract, name);
    return site.run('enrol', '--server', world.base, '--fingerprint', fingerprint, '--token', token, ...more);
  };
  const good = async (asked: ReturnType<AgentProcess['run']>) => {
    const ran = await asked;
    assert.deepEqual([ran.code, ran.err.replace(NO_EVIDENCE, '')], [0, ''], ran.out);
    return ran.out;
  };
  const trouble = async (asked: ReturnType<AgentProcess['run']>, code: string, exit: number, words: RegExp) => {
    const { code: ended, err } = await asked;
    assert.match(err, new RegExp(`^licet-agent: .+[^\\]] \\[${code}\\]\n$`), 'one line');
    assert.match(err, words);
    assert.equal(ended, exit, err);
  };
  const set = (settings: object) => {
    writeFileSync(join(agent.folder, 'agent.json'), JSON.stringify({ servers: [world.base], ...settings }));
  };
  const listening = async (server: Server) => {
    open.push(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return (server.address() as AddressInfo).port;
  };
  /** What a server of somebody else shows. */
  const strangeTls = () => {
    const files = ['key.pem', 'cert.pem'].map((name) => join(base, name));
    const made = ['-keyout', files[0]!, '-out', files[1]!, '-subj', '/CN=localhost'];
    const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
    execFileSync('openssl', ['req', ...kind, ...made, '-addext', 'subjectAltName=DNS:localhost'], { stdio: 'ignore' });
    const [key, cert] = files.map((file) => readFileSync(file, 'utf8'));
    return { key, cert, file: files[1]! };
  };
  /** A server of somebody else. */
  const stranger = async () => {
    const asked: string[] = [];
    const server = createSecureServer(strangeTls(), (request, response) => {
      asked.push(request.url ?? '');
      response.end('hello');
    });
    return { asked, address: `https://localhost:${await listening(server)}` };
  };

  it('hears nothing from a server with another root, tells it nothing, and asks the next one', async () => {
    const { asked, address } = await stranger();
    writeFileSync(join(base, 'usage.json'), '{"from":"2026-01-01T00:00:00Z","to":"2026-01-02T00:00:00Z"}');
    set({ servers: [address] });
    const words = /shows a certificate that is not below the root of this site/;
    await trouble(agent.run('renew'), 'ROOT_MISMATCH', 1, words);
    await trouble(agent.run('report', '--file', join(base, 'usage.json')), 'ROOT_MISMATCH', 1, words);
    assert.deepEqual(asked, []);
    set({ servers: [address, world.base] });
    assert.equal(await good(agent.run('renew')), 'renewed\n');
    rmSync(join(base, 'kept'), { recursive: true });
    cpSync(agent.folder, join(base, 'kept'), { recursive: true, verbatimSymlinks: true });
  });

  it('enrols behind a certificate of another CA once it was told so, and goes on to trust it', async () => {
    const { file, ...shown } = strangeTls();
    const front = createTlsServer(shown, (socket) => {
      const upstream = connectTls({ host: '127.0.0.1', port: world.served.port, rejectUnauthorized: false });
      for (const one of [socket, upstream]) one.on('error', () => [socket, upstream].map((each) => each.destroy()));
      socket.pipe(upstream).pipe(socket);
    });
    const site = new AgentProcess(join(base, 'fronted'), ['env', `NODE_EXTRA_CA_CERTS=${file}`]);
    const at = ['--server', `https://localhost:${await listening(front)}`];
    await trouble(enrol(site, 'fronted', ...at), 'ROOT_MISMATCH', 1, /that is not below the root of this site/);
    await good(enrol(site, 'fronted', ...at, '--public-tls'));
    assert.equal(await good(site.run('renew')), 'renewed\n');
  });

  for (const [file, code, words] of [
    ['root.pem', 'STATE_DAMAGED', /root\.pem is damaged .+ put the root certificate of the vendor there again/],
    ['current/site.lic', 'LICENSE_INVALID', /The license file cannot be read/],
    ['current/site.key', 'STATE_DAMAGED', /site\.key holds no private key/],
  ] as const) {
    it(`says that ${file} is damaged, also while a request is open`, async () => {
      await good(agent.run('request', '--out', join(base, 'open.req')));
      truncateSync(join(agent.folder, file), 100);
      await trouble(agent.run('renew'), code, 1, words);
      if (file === 'root.pem') await trouble(agent.run('status'), code, 1, words);
    });
  }

  it('sends no request that is not whole, since what comes after a refusal would be a fork', async () => {
    await good(agent.run('request', '--out', join(base, 'open.req')));
    for (const damage of [
      () => truncateSync(join(agent.folder, 'pending/request.der'), 20),
      () => cpSync(join(agent.folder, 'current/site.key'), join(agent.folder, 'pending/site.key')),
    ]) {
      const before = readFileSync(join(agent.folder, 'pending/request.der'));
      damage();
      await trouble(agent.run('renew'), 'STATE_DAMAGED', 1, /put back what was there/);
      assert.ok(existsSync(join(agent.folder, 'pending/request.der')));
      writeFileSync(join(agent.folder, 'pending/request.der'), before);
    }
  });

  it('says what is missing when a generation is gone, and does not take the site for a new one', async () => {
    rmSync(join(agent.folder, 'generations'), { recursive: true });
    await trouble(agent.run('status'), 'STATE_DAMAGED', 1, /lacks its key or its license/);
    await trouble(enrol(agent, 'again'), 'STATE_DAMAGED', 1, /lacks its key or its license/);
  });

  it('names files that it cannot read or write', async () => {
    const nowhere = join(base, 'nowhere', 'file');
    await trouble(agent.run('accept', '--in', nowhere), 'NO_INPUT', 66, /file cannot be read: it is not there/);
    await trouble(agent.run('report', '--file', base), 'NO_INPUT', 66, /cannot be read: it is a folder/);
    await trouble(agent.run('enrol', '--kit', nowhere), 'NO_INPUT', 66, /it is not there/);
    for (const command of ['export', 'install', 'request']) {
      await trouble(agent.run(command, '--out', nowhere), 'CANNOT_WRITE', 73, /its folder is not there/);
    }
    await trouble(agent.run('export', '--out', base), 'CANNOT_WRITE', 73, /it is a folder/);
  });

  it('says in one line why the server refused, and by what the vendor finds it', async () => {
    const other = new AgentProcess(join(base, 'other'));
    const words = ['--server', world.base, '--token', `licet-enrol.acme.${'A'.repeat(43)}`];
    const [root] = decodePem(readFileSync(world.at('root.pem'), 'utf8'), 'CERTIFICATE');
    const fingerprint = createHash('sha256').update(root!.bytes).digest('hex');
    const asked = other.run('enrol', ...words, '--fingerprint', fingerprint);
    await trouble(asked, 'TOKEN_UNKNOWN', 1, /refused: .+ \(urn:licet:request:[\w.-]+\) /);
  });

  describe('while it runs', () => {
    const started = async () => {
      const child = agent.start('run');
      open.push(child);
      let told = '';
      child.stdout!.on('data', (data) => (told += String(data)));
      for (let tries = 0; !told.includes('the license is valid') || !told.includes('cannot be written'); tries++) {
        assert.ok(tries < 250 && child.exitCode === null, told);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return told;
    };

    it('tells once that metrics cannot be written, and goes on', async () => {
      set({ metrics: join(base, 'nowhere', 'licet.prom') });
      assert.match(await started(), /licet\.prom cannot be written: its folder is not there/);
    });

    it('answers products where the unit of systemd has made a folder for that, and the verifier looks', async () => {
      process.env['RUNTIME_DIRECTORY'] = base;
      set({});
      try {
        open.push(agent.start('run'));
      } finally {
        delete process.env['RUNTIME_DIRECTORY'];
      }
      assert.equal(await askSocket(join(base, 'agent.sock'), '/v1/license'), agent.license());
    });

    it('says who has its port, and leaves alone what is no socket', async () => {
      const port = await listening(createServer());
      set({ port });
      await trouble(agent.run('run'), 'LISTEN_FAILED', 71, /another program listens there; see "port" in agent\.json/);
      const file = join(base, 'precious');
      writeFileSync(file, 'precious');
      set({ socket: file });
      await trouble(agent.run('run'), 'LISTEN_FAILED', 71, /something else lies there; see "socket"/);
      assert.equal(readFileSync(file, 'utf8'), 'precious');
      assert.match(await good(agent.run('status')), /valid/);
    });
  });

  describe('behind a proxy', () => {
    const proxy = async (credentials: string) => {
      const expected = `Basic ${Buffer.from(credentials).toString('base64')}`;
      const targets: string[] = [];
      // What is not encrypted, which is the evidence that nobody has here, comes as it is.
      const server = createServer(({ socket }) => socket.destroy()).on('connect', (request, socket) => {
        targets.push(request.url ?? '');
        socket.on('error', () => socket.destroy());
        if (request.headers['proxy-authorization'] !== expected) {
          socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n');
          return;
        }
        const upstream = connect(world.served.port, '127.0.0.1', () => {
          socket.write('HTTP/1.1 200 OK\r\n\r\n');
          upstream.pipe(socket).pipe(upstream);
        });
        upstream.on('error', () => socket.destroy());
      });
      return { targets, port: await listening(server) };
    };

    it('enrols and renews, by the name of a server and by its address, and keeps the password to itself', async () => {
      const { targets, port } = await proxy('me:p@ss');
      const site = new AgentProcess(join(base, 'behind'));
      await good(enrol(site, 'behind', '--proxy', `http://me:p%40ss@127.0.0.1:${port}`));
      assert.equal(statSync(join(site.folder, 'agent.json')).mode & 0o777, 0o600);
      await good(site.run('renew'));
      const settings = JSON.parse(readFileSync(join(site.folder, 'agent.json'), 'utf8')) as object;
      const servers = [`https://127.0.0.1:${world.served.port}`];
      writeFileSync(join(site.folder, 'agent.json'), JSON.stringify({ ...settings, servers }));
      // The certificate of this server is for its name alone: an address is held against it, too.
      await trouble(site.run('renew'), 'UNAVAILABLE', 69, /its certificate is for another name/);
      assert.equal(targets[0], `localhost:${world.served.port}`);
      assert.equal(targets.at(-1), `127.0.0.1:${world.served.port}`);
    });

    it('says that it is the proxy that is in the way', async () => {
      const { port } = await proxy('me:p@ss');
      set({ proxy: `http://me:wrong@127.0.0.1:${port}` });
      await trouble(agent.run('renew'), 'UNAVAILABLE', 69, /the proxy 127\.0\.0\.1:\d+ wants a user and a password/);
      set({ proxy: 'http://127.0.0.1:9' });
      await trouble(agent.run('renew'), 'UNAVAILABLE', 69, /the proxy 127\.0\.0\.1:9 cannot be reached/);
      for (const other of ['https://127.0.0.1:9', 'ftp://127.0.0.1', 'http://127.0.0.1:9/path']) {
        set({ proxy: other });
        await trouble(agent.run('renew'), 'SETTINGS_INVALID', 78, /"proxy" has to be/);
      }
    });
  });

  it('is answered with exit 1 for a license that cannot be used', async () => {
    const late = new AgentProcess(agent.folder, ['faketime', '-f', '+400d']);
    const { code, out } = await late.run('status');
    assert.match(out, /restricted/);
    assert.equal(code, 1);
  });
});
