import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Route } from '../../http/routes.ts';
import { eventually, serve } from './served.ts';

/** A route that answers when the test says so. */
function held() {
  const release = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  const route: Route = {
    method: 'GET',
    path: '/held',
    handle: async (_, response) => {
      arrived.resolve();
      await release.promise;
      response.send('whole');
    },
  };
  return { route, arrived: arrived.promise, release: () => release.resolve() };
}

describe('draining', () => {
  it('finishes what is running, tells it to close, and takes nothing new', async () => {
    const { route, arrived, release } = held();
    const served = await serve({ routes: [route] });
    const running = fetch(`${served.url}/held`);
    await arrived;
    const drained = served.listener.drain(5000);
    await assert.rejects(fetch(`${served.url}/held`), 'a new connection is refused');
    release();
    const response = await running;
    assert.equal(response.headers.get('connection'), 'close');
    assert.equal(await response.text(), 'whole');
    assert.equal(await drained, true);
  });

  it('answers a request that was on its way to it, and says that it was the last of its connection', async () => {
    const served = await serve({
      routes: [{ method: 'GET', path: '/', handle: (_, response) => void response.send('') }],
      timeouts: { keepAliveSeconds: 60 },
    });
    const socket = connect(served.port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(socket, 'data');
    const drained = served.listener.drain(5000);
    await new Promise((resolve) => setTimeout(resolve, 20));
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    assert.match(answer.toString(), /^HTTP\/1\.1 200 [^]*\r\nConnection: close\r\n/);
    assert.equal(await drained, true);
  });

  it('ends idle connections after a moment', async () => {
    const served = await serve({
      routes: [{ method: 'GET', path: '/', handle: (_, response) => void response.send('') }],
      timeouts: { keepAliveSeconds: 60 },
    });
    const socket = connect(served.port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(socket, 'data');
    const closed = once(socket, 'close');
    const started = performance.now();
    assert.equal(await served.listener.drain(5000), true);
    await closed;
    assert.ok(performance.now() - started < 1000);
  });

  it('cuts what is still running at the end of its time, and says so', async () => {
    const { route, arrived, release } = held();
    const served = await serve({ routes: [route] });
    const running = assert.rejects(fetch(`${served.url}/held`));
    await arrived;
    assert.equal(await served.listener.drain(50), false);
    await running;
    release();
    await eventually(() => served.lines.some((line) => line.status === 499), 'the cut request is logged');
  });
});
