import assert from 'node:assert/strict';
import { z } from 'zod';
import { LicetError } from '../../licensing/errors.ts';
import { HttpError } from '../../problem.ts';
import { requestId } from '../../http/context.ts';
import { parseInput } from '../../http/input.ts';
import type { Route } from '../../http/routes.ts';
import { type Served, exchange, serve } from './served.ts';

const CANARY = 'canary-9d1f';

const Site = z.strictObject({ name: z.string().max(8), limits: z.array(z.strictObject({ max: z.int() })) });

const ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/sites/:id',
    handle: (request, response) => void response.json({ id: request.params['id'] }),
  },
  { method: 'GET', path: '/who', handle: (request, response) => void response.json({ ip: request.ip }) },
  { method: 'GET', path: '/id', handle: (request, response) => void response.json({ id: requestId(request) }) },
  {
    method: 'POST',
    path: '/sites',
    body: { kind: 'json' },
    handle: (request, response) => void response.json(parseInput(Site, request.body)),
  },
  {
    method: 'POST',
    path: '/est',
    body: { kind: 'bytes', types: ['application/pkcs10'], limit: 16 * 1024 },
    handle: (request, response) => void response.json({ length: (request.body as Buffer).length }),
  },
  {
    method: 'GET',
    path: '/pem',
    produces: ['application/x-pem-file'],
    handle: (_, response) => void response.type('application/x-pem-file').send('PEM'),
  },
  {
    method: 'GET',
    path: '/defect',
    handle: async () => {
      await Promise.resolve();
      throw new Error(`a defect with ${CANARY}`);
    },
  },
  {
    method: 'GET',
    path: '/half',
    handle: (_, response) => {
      response.write('half');
      throw new Error('in the middle');
    },
  },
  { method: 'GET', path: '/refused/:kind', handle: (request) => refuse(request.params['kind']) },
];

function refuse(kind: unknown): never {
  throw new LicetError(kind as 'invalid', 'SOME_CODE', 'Do this.', { pointer: '/a', retryAfterSeconds: 2.5 });
}

type Body = Record<string, unknown>;
const bodyOf = async (response: Response): Promise<Body> => (await response.json()) as Body;

describe('the HTTP frame', () => {
  let served: Served;
  const get = (path: string, init: RequestInit = {}) => fetch(served.url + path, init);
  const post = (path: string, body: string | Buffer<ArrayBuffer>, headers: Record<string, string> = {}) =>
    get(path, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });

  before(async () => {
    served = await serve({ routes: ROUTES });
  });
  after(() => served.close());

  describe('an error becomes a problem document, RFC 9457', () => {
    const kinds = [
      { kind: 'invalid', status: 400 },
      { kind: 'unauthenticated', status: 401 },
      { kind: 'forbidden', status: 403 },
      { kind: 'not-found', status: 404 },
      { kind: 'conflict', status: 409 },
      { kind: 'stale', status: 412 },
      { kind: 'too-many', status: 429 },
      { kind: 'unavailable', status: 503 },
    ];
    for (const { kind, status } of kinds) {
      it(`${kind} is ${status} with its code, pointer and request id`, async () => {
        const response = await get(`/refused/${kind}`);
        const id = response.headers.get('x-request-id');
        assert.equal(response.status, status);
        assert.equal(response.headers.get('content-type'), 'application/problem+json');
        const { title, ...rest } = await bodyOf(response);
        assert.ok(typeof title === 'string' && title !== 'Refused');
        assert.deepEqual(rest, {
          type: 'urn:licet:problem:some-code',
          status,
          detail: 'Do this.',
          code: 'SOME_CODE',
          instance: `urn:licet:request:${id}`,
          errors: [{ pointer: '/a', detail: 'Do this.' }],
        });
      });
    }

    it('Retry-After is whole seconds, rounded up', async () => {
      assert.equal((await get('/refused/too-many')).headers.get('retry-after'), '3');
    });

    it('503 asks each for another Retry-After, up to twice of what is meant', async () => {
      const waits = new Set<number>();
      for (let tries = 0; tries < 30; tries++) {
        waits.add(Number((await get('/refused/unavailable')).headers.get('retry-after')));
      }
      assert.deepEqual(waits, new Set([4, 5, 6]));
    });

    it('401 carries a challenge', async () => {
      assert.equal((await get('/refused/unauthenticated')).headers.get('www-authenticate'), 'Bearer realm="licet"');
    });

    it('a defect is a bare 500 for the client and a full record in the log', async () => {
      const response = await get('/defect');
      const text = await response.text();
      assert.equal(response.status, 500);
      assert.ok(!text.includes(CANARY) && !text.includes('defect'), text);
      const id = response.headers.get('x-request-id');
      const line = served.lines.find((one) => one.message === 'request failed' && one.requestId === id);
      assert.ok(line);
      const { message, stack } = line.err as { message: string; stack: string };
      assert.equal(message, `a defect with ${CANARY}`);
      assert.match(stack, /frame\.test\.ts/);
      assert.equal(line.route, '/defect');
    });

    it('a defect after half an answer cuts the connection instead of pretending it is whole', async () => {
      await assert.rejects(get('/half').then((response) => response.text()));
    });
  });

  describe('what is not there', () => {
    it('an unknown path is 404', async () => {
      const response = await get('/nothing/here');
      assert.equal(response.status, 404);
      assert.equal((await bodyOf(response))['code'], 'ROUTE_NOT_FOUND');
    });

    it('an unknown method is 405 and says what is allowed', async () => {
      const response = await get('/sites/1', { method: 'DELETE' });
      assert.equal(response.status, 405);
      assert.equal(response.headers.get('allow'), 'GET, HEAD, OPTIONS');
      assert.equal((await bodyOf(response))['code'], 'METHOD_NOT_ALLOWED');
    });

    it('OPTIONS says what is allowed and lets no other origin in', async () => {
      const response = await get('/sites', { method: 'OPTIONS', headers: { origin: 'https://elsewhere.example' } });
      assert.equal(response.status, 204);
      assert.equal(response.headers.get('allow'), 'OPTIONS, POST');
      assert.equal(response.headers.get('access-control-allow-origin'), null);
    });

    it('HEAD is GET without the body', async () => {
      const response = await get('/sites/7', { method: 'HEAD' });
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('content-length'), String('{"id":"7"}'.length));
      assert.equal(await response.text(), '');
    });

    it('a client that accepts no form we have gets 406, and a browser gets what there is', async () => {
      const refused = await get('/pem', { headers: { accept: 'application/json' } });
      assert.equal(refused.status, 406);
      assert.equal((await get('/pem', { headers: { accept: 'text/html, */*;q=0.1' } })).status, 200);
    });

    it('a path that is not UTF-8 is 400', async () => {
      const answer = await exchange(served.port, 'GET /sites/%ff HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      assert.match(answer, /^HTTP\/1.1 400 /);
      assert.match(answer, /PATH_MALFORMED/);
    });

    it('paths are matched exactly: case and trailing slash count', async () => {
      assert.equal((await get('/Sites/1')).status, 404);
      assert.equal((await get('/sites/1/')).status, 404);
    });
  });

  describe('bodies', () => {
    it('what breaks the schema is named with a pointer for each rule', async () => {
      const response = await post(
        '/sites',
        JSON.stringify({ name: 'too long a name', limits: [{ max: 1, 'a/b': 2 }] }),
      );
      const { code, errors } = await bodyOf(response);
      assert.equal(response.status, 400);
      assert.equal(code, 'INPUT_INVALID');
      const pointers = (errors as { pointer: string }[]).map(({ pointer }) => pointer);
      assert.deepEqual(pointers.sort(), ['/limits/0/a~1b', '/name']);
    });

    const refused = [
      { name: 'text that is not JSON', body: '{"name":', code: 'JSON_MALFORMED', status: 400 },
      { name: 'bytes that are not UTF-8', body: Buffer.from([0x22, 0xff, 0x22]), code: 'JSON_MALFORMED', status: 400 },
      { name: 'nesting beyond 16 levels', body: '['.repeat(17) + ']'.repeat(17), code: 'JSON_REFUSED', status: 400 },
      { name: 'a __proto__', body: '{"__proto__":{"admin":true}}', code: 'JSON_REFUSED', status: 400 },
      { name: 'a __proto__ in disguise', body: '{"\\u005f_proto__":1}', code: 'JSON_REFUSED', status: 400 },
      { name: 'a name given twice', body: '{"name":"a","name":"b"}', code: 'JSON_REFUSED', status: 400 },
      {
        name: 'too many names',
        body: JSON.stringify(Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`k${i}`, 1]))),
        code: 'JSON_REFUSED',
        status: 400,
      },
      { name: 'one byte too many', body: `"${'a'.repeat(64 * 1024 - 1)}"`, code: 'BODY_TOO_LARGE', status: 413 },
    ];
    for (const { name, body, code, status } of refused) {
      it(`refuses ${name}`, async () => {
        const response = await post('/sites', body);
        assert.deepEqual([response.status, (await bodyOf(response))['code']], [status, code]);
      });
    }

    it('takes a body of exactly the limit, and one level less than too deep', async () => {
      assert.equal((await bodyOf(await post('/sites', `"${'a'.repeat(64 * 1024 - 2)}"`)))['code'], 'INPUT_INVALID');
      assert.equal((await bodyOf(await post('/sites', '['.repeat(16) + ']'.repeat(16))))['code'], 'INPUT_INVALID');
    });

    it('a route may set a lower limit, EST 16 KiB', async () => {
      const headers = { 'content-type': 'application/pkcs10' };
      assert.deepEqual(await bodyOf(await post('/est', Buffer.alloc(16 * 1024), headers)), { length: 16 * 1024 });
      assert.equal((await post('/est', Buffer.alloc(16 * 1024 + 1), headers)).status, 413);
    });

    it('a body that hides its size is cut at the limit', async () => {
      const chunk = `1000\r\n${'a'.repeat(0x1000)}\r\n`;
      const head =
        'POST /est HTTP/1.1\r\nHost: a\r\nContent-Type: application/pkcs10\r\nTransfer-Encoding: chunked\r\n\r\n';
      const answer = await exchange(served.port, head, chunk.repeat(5));
      assert.match(answer, /^HTTP\/1.1 413 /);
      assert.match(answer, /Connection: close/i);
    });

    const types = [
      { name: 'another type', headers: { 'content-type': 'text/plain' }, code: 'TYPE_UNSUPPORTED' },
      {
        name: 'another charset',
        headers: { 'content-type': 'application/json; charset=utf-16' },
        code: 'CHARSET_UNSUPPORTED',
      },
      { name: 'a compressed body', headers: { 'content-encoding': 'gzip' }, code: 'ENCODING_UNSUPPORTED' },
    ];
    for (const { name, headers, code } of types) {
      it(`refuses ${name} with 415`, async () => {
        const response = await post('/sites', '{}', headers);
        assert.deepEqual([response.status, (await bodyOf(response))['code']], [415, code]);
      });
    }
  });

  describe('headers', () => {
    it('every answer carries the security headers and nothing about the software', async () => {
      for (const path of ['/sites/1', '/nothing', '/defect']) {
        const { headers } = await get(path);
        assert.equal(headers.get('x-content-type-options'), 'nosniff');
        assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/);
        assert.equal(headers.get('cache-control'), 'no-store');
        assert.equal(headers.get('x-powered-by'), null);
        assert.equal(headers.get('server'), null);
        assert.equal(headers.get('strict-transport-security'), null);
      }
    });

    it('keeps a sane request id and replaces any other', async () => {
      const ask = async (id: string) => {
        const response = await get('/id', { headers: { 'x-request-id': id } });
        const answer = (await bodyOf(response))['id'] as string;
        assert.equal(response.headers.get('x-request-id'), answer);
        return answer;
      };
      assert.equal(await ask('trace-0123.abc'), 'trace-0123.abc');
      for (const id of ['short', 'a'.repeat(65), 'with space and more', '${jndi:ldap://x}', 'quote"quote"']) {
        assert.match(await ask(id), /^[\w-]{16}$/, id);
      }
    });

    it('X-Forwarded-For is believed from no one unless configured', async () => {
      const headers = { 'x-forwarded-for': '203.0.113.7' };
      assert.equal((await bodyOf(await get('/who', { headers })))['ip'], '127.0.0.1');
      const proxied = await serve({ routes: ROUTES, trustProxy: ['loopback'] });
      const response = await fetch(`${proxied.url}/who`, { headers });
      assert.equal((await bodyOf(response))['ip'], '203.0.113.7');
      await proxied.close();
    });
  });

  describe('guards', () => {
    it('run before the body is read, so a refused client is spared its upload', async () => {
      let reached = false;
      const guarded = await serve({
        routes: [
          {
            method: 'POST',
            path: '/x',
            body: { kind: 'json' },
            guards: [
              () => {
                throw new HttpError(403, 'NO', 'No.');
              },
            ],
            handle: () => {
              reached = true;
            },
          },
        ],
      });
      const head = 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n';
      const answer = await exchange(guarded.port, `${head}Expect: 100-continue\r\nConnection: close\r\n\r\n`);
      assert.match(answer, /^HTTP\/1.1 403 /);
      assert.equal(reached, false);
      await guarded.close();
    });

    it('a client that asks first is invited when its body is wanted', async () => {
      const head = 'POST /sites HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n';
      const answer = await exchange(served.port, `${head}Expect: 100-continue\r\nConnection: close\r\n\r\n`, '{}');
      assert.match(answer, /^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 400 /);
    });
  });

  it('each request leaves one line with the template, never the path', async () => {
    const secret = 'token-in-the-path';
    const response = await get(`/sites/${secret}?token=${secret}`);
    const id = response.headers.get('x-request-id');
    await response.text();
    const lines = served.lines.filter((line) => line.message === 'request' && line.requestId === id);
    assert.equal(lines.length, 1);
    const { ms, ...rest } = lines[0]!;
    assert.ok(typeof ms === 'number');
    assert.deepEqual(rest, {
      level: 'info',
      time: '2026-01-01T00:00:00.000Z',
      message: 'request',
      requestId: id,
      method: 'GET',
      route: '/sites/:id',
      status: 200,
      client: '127.0.0.1',
    });
    assert.ok(!JSON.stringify(served.lines).includes(secret));
  });

  it('a method that stands twice in the table of routes is refused at the start', async () => {
    const route = ROUTES[0]!;
    await assert.rejects(serve({ routes: [route, route] }), TypeError);
  });
});
