import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { Admission } from '../../http/admission.ts';
import type { Route } from '../../http/routes.ts';
import { type Served, eventually, exchange, serve } from './served.ts';

const JSON_HEAD = 'Host: a\r\nContent-Type: application/json\r\n';

describe('a rush at the public listener', () => {
  let served: Served;
  let admission: Admission;
  let finish: (() => void)[];
  let begun: string[];

  const post = (path: string, body = '{}', more: RequestInit = {}) =>
    fetch(`${served.url}${path}`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body, ...more });

  const route = (path: string, more: Partial<Route> = {}): Route => ({
    method: 'POST',
    path,
    body: { kind: 'json' },
    guards: [() => void begun.push(`guard ${path}`)],
    async handle(request, response) {
      const { name = path } = (request.body ?? {}) as { name?: string };
      begun.push(name);
      if (path === '/slow') await new Promise<void>((resolve) => finish.push(resolve));
      response.json({ name });
    },
    ...more,
  });

  beforeEach(async () => {
    [finish, begun] = [[], []];
    const clock = { now: () => new Date('2026-01-01T00:00:00Z') };
    admission = new Admission({ clock, patienceMs: 300, bounds: { most: 1, least: 1 } });
    served = await serve({
      admission,
      routes: [
        route('/slow', {
          endsAt: (body) => {
            const { ends } = JSON.parse(body.toString('utf8')) as { ends?: string };
            return ends === undefined ? undefined : new Date(ends);
          },
        }),
        route('/light', { isLight: true }),
        { ...route('/light'), method: 'GET', body: { kind: 'json', limit: 0 } },
        route('/large', { body: { kind: 'json', limit: 1024 * 1024 } }),
        route('/other', {
          refuse(_, __, response) {
            response.writeHead(503, { 'Content-Type': 'text/plain' }).end('in other words');
          },
        }),
        route('/limited', {
          limits: [
            () => {
              throw new Error('of the limit');
            },
          ],
        }),
      ],
    });
  });
  afterEach(async () => {
    for (const end of finish) end();
    await served.close();
  });

  it('sends away by 503 with Retry-After before any guard has looked who asks', async () => {
    void post('/slow').catch(() => undefined);
    await eventually(() => finish.length === 1, 'the first is worked on');
    const refused = await post('/slow');
    const { code } = (await refused.json()) as { code: string };
    assert.deepEqual([refused.status, code], [503, 'BUSY']);
    assert.ok(Number(refused.headers.get('retry-after')) >= 2);
    assert.deepEqual(begun, ['guard /slow', '/slow']);
    assert.ok(served.lines.some((line) => line.message === 'request could not be served' && line['code'] === 'BUSY'));
  });

  it('takes first whose license ends first, as the body says it', async () => {
    void post('/slow', '{"name":"first"}').catch(() => undefined);
    await eventually(() => finish.length === 1, 'the first is worked on');
    const far = post('/slow', '{"name":"far","ends":"2026-02-01"}');
    const near = post('/slow', '{"name":"near","ends":"2026-01-02"}');
    await eventually(() => admission.counts.waiting === 2, 'both wait');
    finish[0]?.();
    await eventually(() => finish.length === 2, 'the next is worked on');
    assert.deepEqual(
      begun.filter((name) => !name.startsWith('guard')),
      ['first', 'near'],
    );
    finish[1]?.();
    await eventually(() => finish.length === 3, 'the last is worked on');
    finish[2]?.();
    await Promise.all([near, far]);
  });

  it('keeps nobody from what is light', async () => {
    void post('/slow').catch(() => undefined);
    await eventually(() => finish.length === 1, 'the first is worked on');
    assert.equal((await post('/light')).status, 200);
  });

  it('refuses in the words of the protocol that was spoken', async () => {
    void post('/slow').catch(() => undefined);
    await eventually(() => finish.length === 1, 'the first is worked on');
    assert.equal(await (await post('/other')).text(), 'in other words');
  });

  it('is not made longer by those who ask too often: they hear so at once', async () => {
    void post('/slow').catch(() => undefined);
    await eventually(() => finish.length === 1, 'the first is worked on');
    assert.equal((await post('/limited')).status, 500);
  });

  it('is not made by bodies that trickle in: they hold no place', async () => {
    const slow = connect(served.port, '127.0.0.1');
    slow.write(`POST /slow HTTP/1.1\r\n${JSON_HEAD}Content-Length: 10\r\n\r\n{`);
    const asked = connect(served.port, '127.0.0.1');
    asked.write(`POST /large HTTP/1.1\r\n${JSON_HEAD}Content-Length: 10\r\nExpect: 100-continue\r\n\r\n`);
    await eventually(() => begun.includes('guard /large'), 'the second is invited to send');
    assert.equal((await post('/other')).status, 200);
    slow.destroy();
    asked.destroy();
  });

  it('takes a large body once it is known who sends it', async () => {
    const body = JSON.stringify({ name: 'x'.repeat(100_000) });
    const head = `POST /large HTTP/1.1\r\n${JSON_HEAD}Connection: close\r\nContent-Length: ${body.length}\r\n\r\n`;
    assert.match(await exchange(served.port, head, body), /^HTTP\/1.1 200 /);
    assert.deepEqual(begun[0], 'guard /large');
  });
});
