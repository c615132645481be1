import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:https';
import { type AddressInfo, connect, createServer } from 'node:net';
import { requireTool } from '@licet/checks';
import type { Route } from '../../http/routes.ts';
import { localCertificate } from '../identity/issuer.ts';
import { type Served, eventually, exchange, serve } from './served.ts';

const ROUTES: readonly Route[] = [
  { method: 'GET', path: '/', handle: (_, response) => void response.json({}) },
  { method: 'POST', path: '/', body: { kind: 'json' }, handle: (_, response) => void response.json({}) },
];

describe('limits of the public listener', () => {
  let served: Served;
  before(async () => {
    served = await serve({
      routes: ROUTES,
      limits: { urlBytes: 512 },
      timeouts: { headersSeconds: 0.2, requestSeconds: 0.6 },
    });
  });
  after(() => served.close());

  it('headers that trickle in are cut with 408', async () => {
    const answer = await exchange(served.port, 'GET / HTTP/1.1\r\nHost: a\r\n');
    assert.match(answer, /^HTTP\/1.1 408 .*^X-Licet-Code: REQUEST_TIMEOUT\r$/ms);
  });

  it('a body that trickles in is cut with 408', async () => {
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n';
    assert.match(await exchange(served.port, head, '{'), /^HTTP\/1.1 408 /);
  });

  it('headers of more than 8 KiB are 431', async () => {
    const answer = await exchange(served.port, `GET / HTTP/1.1\r\nHost: a\r\nX-A: ${'a'.repeat(9000)}\r\n\r\n`);
    assert.match(answer, /^HTTP\/1.1 431 .*application\/problem\+json.*HEADERS_TOO_LARGE/s);
  });

  it('a URL that is too long is 414', async () => {
    const ask = (length: number) =>
      exchange(served.port, `GET /?${'a'.repeat(length - 2)} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    assert.match(await ask(512), /^HTTP\/1.1 200 /);
    assert.match(await ask(513), /^HTTP\/1.1 414 .*URL_TOO_LONG/s);
  });

  const malformed = [
    { name: 'no HTTP at all', bytes: '\x16\x03\x01\x02\x00\r\n\r\n' },
    { name: 'no Host', bytes: 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n' },
    { name: 'two lengths', bytes: 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n' },
    {
      name: 'a length and chunks, the seed of request smuggling',
      bytes: 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    },
    { name: 'a folded header', bytes: 'GET / HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n\r\n' },
    { name: 'a NUL in a header', bytes: 'GET / HTTP/1.1\r\nHost: a\r\nX-A: b\0c\r\n\r\n' },
    { name: 'a space before the colon', bytes: 'GET / HTTP/1.1\r\nHost : a\r\n\r\n' },
    { name: 'a length that is negative', bytes: 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n' },
  ];
  for (const { name, bytes } of malformed) {
    it(`refuses ${name} with 400 and closes`, async () => {
      assert.match(await exchange(served.port, bytes), /^HTTP\/1.1 400 /);
    });
  }

  it('a client that breaks off in its body hurts nobody and counts once', async () => {
    const socket = connect(served.port, '127.0.0.1');
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{"a"');
    const aborted = () => served.lines.filter((line) => line.status === 499).length;
    const before = aborted();
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.destroy();
    await eventually(() => aborted() === before + 1, 'the broken request is logged');
    assert.equal((await fetch(served.url)).status, 200);
    assert.ok(!served.lines.some((line) => line.level === 'error'));
  });

  it('connections beyond the limit are closed at once, and room that is given back is used', async () => {
    const small = await serve({ routes: ROUTES, limits: { connections: 2 } });
    const taken = [connect(small.port, '127.0.0.1'), connect(small.port, '127.0.0.1')];
    await eventually(() => small.listener.connections() === 2, 'all places are taken');
    assert.equal(await exchange(small.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'), '');
    for (const socket of taken) socket.destroy();
    await eventually(() => small.listener.connections() === 0, 'the places are free again');
    const answer = await exchange(small.port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    assert.match(answer, /^HTTP\/1.1 200 /);
    await small.close();
  });

  it('lets no client wait for longer, and takes what comes later to nobody', async () => {
    let finish = (): void => undefined;
    const done = new Promise<void>((resolve) => (finish = resolve));
    const served = await serve({
      limits: { answerMs: 50 },
      routes: [
        {
          method: 'GET',
          path: '/slow',
          async handle(_, response) {
            await done;
            response.setHeader('Content-Type', 'text/plain').end('at last');
          },
        },
      ],
    });
    try {
      const answer = await fetch(`${served.url}/slow`);
      const { code } = (await answer.json()) as { code: string };
      assert.deepEqual([answer.status, code], [503, 'ANSWER_LATE']);
      assert.match(answer.headers.get('retry-after') ?? '', /^[234]$/);
      finish();
      const isNoted = () => served.lines.some(({ message }) => message === 'request ended after its answer');
      while (!isNoted()) await new Promise((resolve) => setImmediate(resolve));
    } finally {
      await served.close();
    }
  });

  it('lets those wait whose work is much by its nature', async () => {
    const served = await serve({
      limits: { answerMs: 20 },
      routes: [
        {
          method: 'GET',
          path: '/much',
          answerMs: 10_000,
          async handle(_, response) {
            await new Promise((resolve) => setTimeout(resolve, 200));
            response.setHeader('Content-Type', 'text/plain').end('all done');
          },
        },
      ],
    });
    try {
      assert.equal(await (await fetch(`${served.url}/much`)).text(), 'all done');
    } finally {
      await served.close();
    }
  });

  it('a TLS handshake that takes too long is cut, and never answered as if something had been asked', async function () {
    requireTool(this, 'openssl');
    const options = localCertificate();
    const tls = { options, requestClientCertificate: true };
    const served = await serve({ routes: ROUTES, tls, timeouts: { handshakeSeconds: 0.2 } });
    // The words of the server arrive late, so that the client finishes its part when its time is over.
    const wire = createServer((client) => {
      const upstream = connect(served.port, '127.0.0.1');
      client.on('data', (data) => upstream.write(data)).on('error', () => upstream.destroy());
      upstream.on('data', (data) => setTimeout(() => client.write(data), 400));
      upstream.on('error', () => client.destroy()).on('close', () => setTimeout(() => client.destroy(), 800));
    }).listen(0, '127.0.0.1');
    await once(wire, 'listening');
    const { port } = wire.address() as AddressInfo;
    const asked = request({ host: '127.0.0.1', port, rejectUnauthorized: false, agent: false });
    const answer = new Promise((resolve) => {
      asked.once('response', ({ statusCode }) => resolve(statusCode)).once('error', () => resolve('cut'));
    });
    asked.end();
    assert.equal(await answer, 'cut');
    wire.close();
    await served.close();
  });
});
