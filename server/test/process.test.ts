import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import { testDatabase } from '../persistence/test/test-database.ts';
import { freePort } from './frame/served.ts';

const START = join(import.meta.dirname, '../start.js');

type Line = { readonly message: string; readonly level: string; readonly address?: string; readonly exitCode?: number };

type Run = {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly err: () => string;
  readonly lines: () => Line[];
  /** Resolves to where it listens; rejects when the process ends instead. */
  readonly ready: Promise<{ address: string; operations: string }>;
  readonly ended: Promise<number | null>;
};

describe('the server process', function () {
  // Each test starts one, and the first makes its database: seconds, and many on a machine with other work.
  this.timeout(60_000);
  let folder: string;
  const children = new Set<ChildProcess>();
  const endings: Promise<unknown>[] = [];
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'licet-process-'));
  });
  after(async () => {
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(endings);
    rmSync(folder, { recursive: true });
  });

  function run(flags: readonly string[] = [], env: Record<string, string> = {}, node: readonly string[] = []): Run {
    const free = ['--http.port', '0', '--http.plain.port', '0', '--operations.port', '0', '--http.tls.mode', 'off'];
    const child = spawn(process.execPath, [...node, START, ...free, ...flags], {
      cwd: folder,
      env: { PATH: process.env['PATH'] ?? '', LICET_DATA_FOLDER: join(folder, 'data'), ...env },
    });
    children.add(child);
    let out = '';
    let err = '';
    child.stdout.on('data', (data) => (out += String(data)));
    child.stderr.on('data', (data) => (err += String(data)));
    const lines = () =>
      out
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Line & { operations: string });
    const ended = once(child, 'close').then(([code]) => code as number | null);
    endings.push(ended);
    const ready = new Promise<{ address: string; operations: string }>((resolve, reject) => {
      child.stdout.on('data', () => {
        const line = lines().find(({ message }) => message === 'ready');
        if (line?.address !== undefined) resolve({ address: line.address, operations: line.operations });
      });
      void ended.then((code) => reject(new Error(`ended with ${code}: ${err}${out}`)));
    });
    ready.catch(() => undefined); // who does not expect it to start does not wait for it
    return { child, out: () => out, err: () => err, lines, ready, ended };
  }

  /** Ends by itself, with one sentence for people and no stack. */
  async function refused(started: Run, code: number): Promise<string> {
    assert.equal(await started.ended, code, started.err());
    assert.match(started.err(), /^licet: /);
    assert.ok(!started.err().includes('    at '), started.err());
    return started.err();
  }

  it('starts without any configuration, serves, keeps operations apart, and ends cleanly at SIGTERM', async () => {
    const server = run();
    const { address, operations } = await server.ready;
    assert.equal((await fetch(`${operations}/livez`)).status, 200);
    assert.equal((await fetch(`${operations}/readyz`)).status, 200);
    assert.match(await (await fetch(`${operations}/metrics`)).text(), /^licet_ready 1$/m);
    for (const path of ['/livez', '/readyz', '/metrics']) assert.equal((await fetch(address + path)).status, 404);
    server.child.kill('SIGTERM');
    assert.equal(await server.ended, 0, server.err());
    assert.equal(server.err(), '');
    assert.equal(server.lines().at(-1)?.message, 'stopped');
    assert.equal(server.out().trimEnd().split('\n').length, server.lines().length, 'every line is JSON');
    const warned = server.lines().filter(({ message }) => /EVALUATION: the root .+ is not offline/.test(message));
    assert.equal(warned.length, 1, 'the log says that its root is not offline');
    const { kdf } = JSON.parse(readFileSync(join(folder, 'data/signer/keys/keyring.json'), 'utf8')) as {
      kdf: { cost: number };
    };
    assert.equal(kdf.cost, 1024, 'a passphrase of 256 random bits need not take long to try');
  });

  it('tries the passphrase that it made for itself cheaply, since nobody guesses it', () => {
    const keyring = readFileSync(join(folder, 'data', 'signer', 'keys', 'keyring.json'), 'utf8');
    assert.equal((JSON.parse(keyring) as { kdf: { cost: number } }).kdf.cost, 2 ** 10);
    const passphrase = readFileSync(join(folder, 'data', 'signer.passphrase'), 'utf8').trim();
    assert.equal(Buffer.from(passphrase, 'base64url').length, 32);
  });

  it('for a person, prints where it listens and what to paste next', async () => {
    const server = run(['--log.format', 'text']);
    while (!server.out().includes('Ctrl-C')) await once(server.child.stdout!, 'data');
    const command = /curl (http\S+\/livez)/.exec(server.out());
    assert.ok(command, server.out());
    assert.equal((await fetch(command[1]!)).status, 200);
    server.child.kill('SIGINT');
    assert.equal(await server.ended, 0);
  });

  it('a port in use is one sentence, and the data folder is given back', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const sentence = await refused(run(['--http.port', String(port)]), 71);
    assert.equal(
      sentence,
      `licet: 127.0.0.1 port ${port} is already in use: stop the other process, or choose another with http.port.\n`,
    );
    const elsewhere = { LICET_DATA_FOLDER: join(folder, 'refused') };
    const operations = run(['--operations.port', String(port)], elsewhere);
    assert.match(await refused(operations, 71), /choose another with operations\.port/);
    assert.ok(!existsSync(join(folder, 'refused', 'database')), 'no database was made');
    other.close();
  });

  it('a start that fails at its very door stops first what already runs behind it', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const port = String((other.address() as AddressInfo).port);
    const flags = ['--http.sharePort', 'true', '--http.port', port, '--http.plain.port', String(await freePort())];
    const server = run([...flags, '--operations.port', String(await freePort())]);
    assert.match(await refused(server, 71), /is already in use: .* http\.port\.$/m);
    const wrong = server.lines().filter(({ level }) => level !== 'info');
    assert.deepEqual(wrong, []);
    other.close();
  });

  it('an error nobody caught is logged whole, and the process drains and ends with the code of a crash', async () => {
    const plant = "data:text/javascript,process.on('SIGUSR2',()=>{throw new Error('planted')})";
    const server = run([], {}, ['--import', plant]);
    await server.ready;
    server.child.kill('SIGUSR2');
    assert.equal(await server.ended, 70);
    assert.match(server.out(), /"err":\{"name":"Error","message":"planted","stack":/);
    assert.equal(server.lines().at(-1)?.exitCode, 70);
  });

  it('a rejection nobody caught ends it too', async () => {
    const plant = "data:text/javascript,process.on('SIGUSR2',()=>{void Promise.reject(new Error('planted'))})";
    const server = run([], {}, ['--import', plant]);
    await server.ready;
    server.child.kill('SIGUSR2');
    assert.equal(await server.ended, 70);
  });

  it('a configuration that cannot be used names every problem', async () => {
    const text = await refused(run(['--http.prt', '1'], { LICET_LOG_LEVEL: 'loud' }), 78);
    assert.match(text, /--http\.prt \(command line\)/);
    assert.match(text, /log\.level \(LICET_LOG_LEVEL\)/);
  });

  it('TLS files that cannot be used are one sentence', async () => {
    const files = ['--http.tls.certificate', 'no.crt', '--http.tls.key', 'no.key'];
    const text = await refused(run(['--http.tls.mode', 'files', ...files]), 66);
    assert.match(text, /no\.crt of http\.tls\.certificate cannot be read \(ENOENT\)/);
  });

  for (const [what, table] of [
    ['everything behind it was started', 'outbox_subscribers'],
    ['it knows whether it is ready', 'readiness'],
  ] as const) {
    it(`opens its public door only when ${what}: decision 11`, async function () {
      const database = await testDatabase(this, 'postgresql');
      this.timeout(60_000);
      const holder = new Client(database.url);
      await holder.connect();
      await holder.query(`begin; lock table ${table} in exclusive mode`);
      const port = await freePort();
      // A check that gives up knows, too: that it is not ready.
      const patient = [
        '--database.lockSeconds=60',
        '--database.statementSeconds=60',
        '--operations.readinessSeconds=30',
      ];
      const server = run(['--http.port', String(port), ...patient], { DATABASE_URL: database.url });
      const waits = `select from pg_locks where not granted and relation = '${table}'::regclass`;
      while ((await holder.query(waits)).rowCount === 0) {
        assert.equal(server.child.exitCode, null, server.err());
        assert.equal(await isOpen(port), false, `open before ${what}`);
        await pause(50);
      }
      assert.equal(await isOpen(port), false, `open before ${what}`);
      await holder.query('rollback');
      await server.ready;
      assert.equal(await isOpen(port), true);
      server.child.kill('SIGTERM');
      await Promise.all([server.ended, holder.end()]);
      await database.close();
    });
  }

  it('a database that cannot be reached is one sentence, without the password', async () => {
    const port = await freePort();
    const server = run([], { DATABASE_URL: `postgres://licet:canary-77@127.0.0.1:${port}/licet` });
    await refused(server, 69);
    assert.ok(!(server.out() + server.err()).includes('canary-77'));
  });

  it('a Node that is too old is told what to do, in one line', async () => {
    const old = "data:text/javascript,Object.defineProperty(process.versions,'node',{value:'20.20.2'})";
    const server = run([], {}, ['--import', old]);
    assert.equal(await server.ended, 69);
    assert.match(
      server.err(),
      /^licet needs Node 24\.11 or newer and this is Node 20\.20\.2: use the npm scripts .*\n$/,
    );
  });
});

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
