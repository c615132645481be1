import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { requireTool } from '@licet/checks';
import { agentSocket, licenseFiles, type Surroundings } from '../places.ts';
import { MOST_BYTES } from '../read.ts';
import { findLicense, type SearchOptions } from '../sources.ts';

const TEXT = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';

describe('the sources of a license', () => {
  let folder: string;
  let home: string;
  let server: Server | undefined;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'licet-sources-'));
    home = join(folder, 'home');
  });

  afterEach(async () => {
    server?.closeAllConnections();
    await new Promise<void>((done) => (server ? server.close(() => done()) : done()));
    server = undefined;
    await rm(folder, { recursive: true });
  });

  const around = (env: Record<string, string> = {}): Surroundings => ({
    env: { LICET_AGENT_SOCKET: join(folder, 'agent.sock'), ...env },
    platform: 'linux',
    home,
    resolve: (...parts) => resolve(folder, ...parts),
  });

  const find = (options: SearchOptions = {}, env: Record<string, string> = {}) =>
    findLicense({ agentTimeoutMs: 300, ...options, surroundings: around(env) });

  const put = async (path: string, text: string | Uint8Array = TEXT): Promise<string> => {
    const whole = join(folder, path);
    await mkdir(join(whole, '..'), { recursive: true });
    await writeFile(whole, text);
    return whole;
  };

  type Answer = Parameters<typeof createServer>[1];
  const agent = async (answer: Answer): Promise<void> => {
    server = createServer(answer as never);
    await new Promise<void>((done) => server!.listen(join(folder, 'agent.sock'), done));
  };

  const text = (bundle: string | Uint8Array | undefined) =>
    typeof bundle === 'string' ? bundle : Buffer.from(bundle ?? []).toString('utf8');

  it('are asked in one order: option, environment, agent, files', async () => {
    const { license, attempts } = await find({ organization: 'acme' });
    assert.equal(license, undefined);
    assert.deepEqual(
      attempts.map(({ source, where, outcome }) => [source, where.replace(folder, '.'), outcome]),
      [
        ['option', 'the option "license"', 'absent'],
        ['environment', 'LICET_LICENSE', 'absent'],
        ['agent', './agent.sock', 'absent'],
        ['file', './site.lic', 'absent'],
        ['file', './home/.config/licet/site.lic', 'absent'],
        ['file', '/etc/licet/site.lic', 'absent'],
        ['file', './.github/licenses/acme.lic', 'absent'],
      ],
    );
  });

  it('bring the evidence that lies beside the file, also where a link leads to it', async () => {
    await put('agent/site.lic');
    await put('agent/evidence/a.crl');
    await mkdir(join(home, '.config/licet'), { recursive: true });
    await symlink('../../../agent/site.lic', join(home, '.config/licet/site.lic'));
    await symlink(join(home, '.config/licet/site.lic'), join(folder, 'site.lic'));
    const { license } = await find();
    assert.equal(license!.where, join(folder, 'site.lic'));
    assert.equal(license!.evidence.crls.length, 1);
  });

  it('give the first license that there is, and say which', async () => {
    await put('.github/licenses/acme.lic');
    assert.match((await find({ organization: 'acme' })).license!.where, /acme\.lic$/);
    await put('home/.config/licet/site.lic');
    assert.match((await find()).license!.where, /\.config\/licet\/site\.lic$/);
    await put('site.lic');
    assert.equal((await find()).license!.where, join(folder, 'site.lic'));
    await agent((_request, response) => response.end(TEXT.replace('AAAA', 'BBBB')));
    assert.equal((await find()).license!.source, 'agent');
    assert.match(text((await find()).license!.bundle), /BBBB/);
    assert.equal((await find({}, { LICET_LICENSE: TEXT })).license!.source, 'environment');
    assert.equal((await find({ license: TEXT }, { LICET_LICENSE: TEXT })).license!.source, 'option');
  });

  it('take text or the path of a file from the environment', async () => {
    await put('elsewhere/x.lic');
    const { license } = await find({}, { LICET_LICENSE: 'elsewhere/x.lic' });
    assert.equal(text(license?.bundle), TEXT);
  });

  it('do not fall back from what somebody set by hand', async () => {
    await put('site.lic');
    const { license, attempts } = await find({}, { LICET_LICENSE: 'missing.lic' });
    assert.equal(license, undefined);
    assert.deepEqual(
      attempts.map(({ outcome }) => outcome),
      ['absent', 'failed'],
    );
  });

  it('ask the agent for GET /v1/license', async () => {
    let asked = '';
    await agent((request, response) => {
      asked = `${request.method} ${request.url}`;
      response.end(TEXT);
    });
    await find();
    assert.equal(asked, 'GET /v1/license');
  });

  const badAgents: { name: string; answer: Answer; outcome: string; detail: RegExp }[] = [
    {
      name: 'has no license yet',
      answer: (_q, r) => void r.writeHead(404).end(),
      outcome: 'absent',
      detail: /no license yet/,
    },
    { name: 'is broken', answer: (_q, r) => void r.writeHead(500).end(), outcome: 'failed', detail: /answered 500/ },
    { name: 'never answers', answer: () => undefined, outcome: 'failed', detail: /within 300 ms/ },
    {
      name: 'sends one byte at a time',
      answer: (_q, r) => {
        const timer = setInterval(() => r.write('x'), 20);
        r.on('close', () => clearInterval(timer));
      },
      outcome: 'failed',
      detail: /within 300 ms/,
    },
    {
      name: 'sends without end',
      answer: (_q, r) => void r.write('x'.repeat(2 * MOST_BYTES)),
      outcome: 'failed',
      detail: /more than/,
    },
    { name: 'sends something else', answer: (_q, r) => void r.end('<html>'), outcome: 'failed', detail: /no license/ },
    { name: 'hangs up', answer: (q) => q.socket.destroy(), outcome: 'failed', detail: /cannot be read/ },
  ];
  for (const { name, answer, outcome, detail } of badAgents) {
    it(`go on to the files when the agent ${name}`, async () => {
      await put('site.lic');
      await agent(answer);
      const { license, attempts } = await find();
      const attempt = attempts.find(({ source }) => source === 'agent')!;
      assert.equal(attempt.outcome, outcome, attempt.detail);
      assert.match(attempt.detail, detail);
      assert.equal(license?.source, 'file');
    });
  }

  it('refuse files that are no files, too large, empty or not for this user', async () => {
    const failure = async (license: string) => (await find({ license })).attempts[0]!;
    await mkdir(join(folder, 'folder'));
    assert.equal((await failure('folder')).outcome, 'failed');
    await put('large', new Uint8Array(MOST_BYTES + 1));
    assert.match((await failure('large')).detail, /larger than/);
    await put('empty', '');
    assert.match((await failure('empty')).detail, /empty/);
    if (process.getuid?.() !== 0) {
      await chmod(await put('secret'), 0);
      assert.match((await failure('secret')).detail, /may not be read/);
    }
  });

  it('do not wait for somebody to write to a pipe', async function () {
    requireTool(this, 'mkfifo');
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    assert.match((await find({ license: 'pipe' })).attempts[0]!.detail, /no regular file/);
  });

  it('do not let the name of an organization lead out of its folder', () => {
    for (const name of ['../../etc/passwd', 'a/b', '..', '', 'a\0b']) {
      assert.ok(!licenseFiles(around(), name).some((path) => path.includes('.github')), name);
    }
  });

  it('are where each platform keeps its configuration', () => {
    const mac = { ...around(), platform: 'darwin' as const };
    const windows = {
      ...around({ APPDATA: 'C:\\Users\\u\\AppData\\Roaming', PROGRAMDATA: 'C:\\ProgramData' }),
      platform: 'win32' as const,
    };
    assert.ok(licenseFiles(mac, undefined).includes('/Library/Application Support/licet/site.lic'));
    assert.ok(licenseFiles(windows, undefined).includes('C:\\ProgramData\\licet\\site.lic'));
    assert.equal(agentSocket({ ...windows, env: {} }), '\\\\.\\pipe\\licet-agent');
    assert.equal(agentSocket({ ...mac, env: {} }), '/var/run/licet/agent.sock');
    assert.equal(agentSocket({ ...around(), env: {} }), '/run/licet/agent.sock');
  });
});
