import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { CliError, type CliIo } from '../io.ts';
import { createProgram } from '../program.ts';

type Seen = { method: string; url: string; headers: Record<string, unknown>; body: string };

describe('licet before a server', () => {
  let folder: string;
  let server: Server;
  let url: string;
  const seen: Seen[] = [];
  let answers: { status: number; headers?: Record<string, string>; body?: unknown }[] = [];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'licet-cli-'));
    // Only what goes over the wire is of interest here; the walk in server/test/api has the real server.
    server = createServer((request, response) => void answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', headers } = request;
    seen.push({ method, url: request.url ?? '', headers, body: await text(request) });
    const { status, headers: more = {}, body } = answers.shift() ?? { status: 500 };
    const type = status < 400 ? 'application/json' : 'application/problem+json';
    response.writeHead(status, { 'Content-Type': type, ...more });
    response.end(body === undefined ? '' : JSON.stringify(body));
  }

  after(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  beforeEach(() => {
    seen.length = 0;
    answers = [];
  });

  async function licet(
    args: readonly string[],
    env: Record<string, string | undefined> = {},
  ): Promise<{ out: string; err: string }> {
    let out = '';
    let err = '';
    const io: CliIo = {
      out: (text) => (out += `${text}\n`),
      err: (text) => (err += `${text}\n`),
      stdin: Readable.from([]),
      env: { LICET_CONTEXTS: join(folder, 'contexts.json'), LICET_URL: url, LICET_TOKEN: 't0ken', ...env },
      now: () => new Date(0),
      exit: () => undefined,
    };
    await (await createProgram(io, args)).parseAsync(args, { from: 'user' });
    return { out, err };
  }

  const refused = (exitCode: number, code: string, fix: RegExp) => (error: unknown) => {
    assert.ok(error instanceof CliError, String(error));
    assert.deepEqual([error.exitCode, error.code], [exitCode, code]);
    assert.match(error.message, fix);
    return true;
  };

  it('sends what the options say, with the token and a key against repetition', async () => {
    answers = [{ status: 201, body: { id: '1', slug: 'globex' } }];
    const { out } = await licet([
      'enterprise',
      'create',
      '--slug',
      'globex',
      '--name',
      'Globex',
      '--labels',
      '{"a":"b"}',
      '--json',
    ]);
    const [{ method, url: path, headers, body }] = seen as [Seen];
    assert.deepEqual([method, path, headers['authorization']], ['POST', '/api/v1/enterprises', 'Bearer t0ken']);
    assert.match(String(headers['idempotency-key']), /^[\da-f-]{36}$/);
    assert.deepEqual(JSON.parse(body), { slug: 'globex', name: 'Globex', labels: { a: 'b' } });
    assert.deepEqual(JSON.parse(out), { id: '1', slug: 'globex' });
  });

  it('sends nothing on a dry run, and shows what it would send', async () => {
    const { out } = await licet(['site', 'suspend', 'x/../y', '--dry-run']);
    assert.deepEqual(JSON.parse(out), {
      method: 'PUT',
      path: '/api/v1/sites/x%2F..%2Fy',
      body: { status: 'suspended' },
    });
    assert.equal(seen.length, 0);
  });

  it('changes the version that it has just read', async () => {
    answers = [
      { status: 200, headers: { ETag: '"7"' }, body: {} },
      { status: 200, body: { site: {} } },
    ];
    await licet(['site', 'change', '1', '--mode', 'production']);
    assert.deepEqual(
      seen.map(({ method, headers }) => [method, headers['if-match']]),
      [
        ['GET', undefined],
        ['PUT', '"7"'],
      ],
    );
  });

  it('does nothing final without --yes where nobody can be asked', async () => {
    await assert.rejects(licet(['site', 'retire', '1']), refused(64, 'NOT_CONFIRMED', /--yes/));
    assert.equal(seen.length, 0);
  });

  it('takes a part of an hour, and no words, where a number is meant', async () => {
    const declare = ['incident', 'declare', '--product', 'press', '--explanation', 'x', '--dry-run', '--hours'];
    const { out } = await licet([...declare, '0.5']);
    assert.equal((JSON.parse(out) as { body: { hours: number } }).body.hours, 0.5);
    await assert.rejects(licet([...declare, 'soon']), refused(64, 'OPTION_INVALID', /--hours must be a number/));
  });

  it('names the option that is missing', async () => {
    await assert.rejects(licet(['enterprise', 'create', '--slug', 'x']), refused(64, 'OPTION_MISSING', /--name/));
  });

  for (const [status, code, exit] of [
    [401, 'NOT_AUTHENTICATED', 77],
    [403, 'NOT_ALLOWED', 77],
    [404, 'SITE_NOT_FOUND', 65],
    [409, 'SITE_EXISTS', 65],
    [429, 'TOO_MANY_REQUESTS', 75],
    [503, 'DATABASE_BUSY', 75],
    [500, 'INTERNAL', 2],
  ] as const) {
    it(`ends with ${exit} when the server answers ${status}`, async () => {
      answers = [{ status, headers: { 'Retry-After': '3' }, body: { status, code, detail: 'Do this.' } }];
      await assert.rejects(licet(['site', 'show', '1']), refused(exit, code, /Do this\./));
    });
  }

  it('says that nobody listens, and that this may pass', async () => {
    const env = { LICET_URL: 'http://127.0.0.1:1' };
    await assert.rejects(licet(['site', 'list'], env), refused(75, 'SERVER_UNREACHABLE', /is the server running/));
  });

  it('knows several servers, and keeps their tokens from others', async () => {
    const file = join(folder, 'contexts.json');
    const env = { LICET_URL: '', LICET_TOKEN: '' };
    writeFileSync(file, JSON.stringify({ current: 'a', contexts: { a: { url }, b: { url } } }), { mode: 0o600 });
    writeFileSync(join(folder, 'token'), 'secret-b\n');
    await licet(['context', 'token', join(folder, 'token'), '--context', 'b'], env);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const { out } = await licet(['context', 'list', '--json'], env);
    assert.ok(!out.includes('secret-b'));
    assert.deepEqual(
      (JSON.parse(out) as { hasToken: boolean }[]).map(({ hasToken }) => hasToken),
      [false, true],
    );
    await assert.rejects(licet(['context', 'use', 'c'], env), refused(78, 'CONTEXT_UNKNOWN', /known: a, b/));
    assert.ok(existsSync(file) && readFileSync(file, 'utf8').includes('secret-b'));
  });

  describe('with somebody who signs in', () => {
    const env = { LICET_URL: undefined, LICET_TOKEN: undefined };
    const file = () => join(folder, 'contexts.json');
    const session = (number: number, until: number) => ({
      session: '019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f10',
      accessToken: `access-${number}`,
      accessUntil: new Date(until).toISOString(),
      refreshToken: `refresh-${number}`,
      refreshUntil: new Date(until).toISOString(),
    });
    const told = () => seen.map(({ url: path, headers }) => [path, headers['authorization']]);
    const context = (more: object) =>
      writeFileSync(file(), JSON.stringify({ current: 'a', contexts: { a: { url, token: 'stored', ...more } } }), {
        mode: 0o600,
      });

    it('asks as that person until the sign-out, and keeps it from others', async () => {
      context({});
      const given = { organization: 'acme', email: 'ada@example.org', password: ' pass word ' };
      writeFileSync(join(folder, 'sign-in.json'), JSON.stringify(given));
      answers = [
        { status: 201, body: session(1, 600_000) },
        { status: 200, body: {} },
        { status: 204 },
        { status: 200, body: {} },
      ];
      await licet(['self', 'sign-in', '--data', join(folder, 'sign-in.json')], env);
      assert.equal(statSync(file()).mode & 0o777, 0o600);
      await licet(['self', 'show'], env);
      await licet(['self', 'sign-out'], env);
      await licet(['self', 'show'], env);
      assert.deepEqual(told(), [
        ['/api/v1/sessions', undefined],
        ['/api/v1/self', 'Bearer access-1'],
        ['/api/v1/self/sign-out', 'Bearer access-1'],
        ['/api/v1/self', 'Bearer stored'],
      ]);
      assert.deepEqual(JSON.parse(seen[0]!.body), given);
    });

    it('renews what is over once, however many commands run side by side', async () => {
      context({ session: { accessToken: 'access-1', accessUntil: new Date(0).toISOString(), refreshToken: 'once' } });
      answers = [
        { status: 200, body: session(2, 600_000) },
        ...Array.from({ length: 4 }, () => ({ status: 200, body: {} })),
      ];
      await Promise.all(Array.from({ length: 4 }, () => licet(['self', 'show'], env)));
      assert.deepEqual(told(), [
        ['/api/v1/sessions/refresh', undefined],
        ...Array.from({ length: 4 }, () => ['/api/v1/self', 'Bearer access-2']),
      ]);
      assert.deepEqual(
        readdirSync(folder).filter((name) => name.endsWith('.lock')),
        [],
      );
    });

    it('does not go on by the stored token when the sign-in is over, until told to', async () => {
      context({ session: { accessToken: 'access-1', accessUntil: new Date(0).toISOString(), refreshToken: 'once' } });
      const over = { status: 401, body: { status: 401, code: 'REFRESH_REFUSED', detail: 'Over.' } };
      answers = [over, over, { status: 200, body: {} }];
      await assert.rejects(licet(['self', 'show'], env), refused(77, 'SIGNED_OUT', /self sign-in.*self sign-out/));
      await licet(['self', 'sign-out'], env);
      await licet(['self', 'show'], env);
      assert.deepEqual(told().at(-1), ['/api/v1/self', 'Bearer stored']);
    });

    it('takes a password from a terminal or a file, and never from the command line', async () => {
      context({});
      const args = ['self', 'sign-in', '--organization', 'acme', '--email', 'ada@example.org'];
      await assert.rejects(licet(args, env), refused(64, 'OPTION_MISSING', /give "password" in the file of --data/));
      assert.equal(seen.length, 0);
    });
  });

  it('shows a list as a table that control characters cannot break', async () => {
    answers = [{ status: 200, body: { items: [{ id: '1', name: 'a\u001b[2Jb', status: 'active' }], next: '1' } }];
    const { out } = await licet(['enterprise', 'list']);
    assert.deepEqual(out.trimEnd().split('\n'), ['id  name    status', '1   a\uFFFD[2Jb  active', 'more: --after 1']);
  });
});
