import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import { PassThrough } from 'node:stream';
import { paceHandshakes } from '../paced-handshakes.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('TLS handshakes that come all at a time', () => {
  const open = () => {
    const begun: unknown[] = [];
    const server = createServer();
    server.removeAllListeners('connection');
    server.on('connection', (socket) => begun.push(socket));
    return { server, begun, handshakes: paceHandshakes(server) };
  };

  it('are begun in the order in which they came, a few in each turn of the event loop', async () => {
    const { server, begun } = open();
    const sockets = Array.from({ length: 20 }, () => new PassThrough());
    for (const socket of sockets) server.emit('connection', socket);
    assert.equal(begun.length, 0);
    const counts: number[] = [];
    for (let turns = 0; turns < 4; turns++) {
      await turn();
      counts.push(begun.length);
    }
    assert.deepEqual(counts, [8, 16, 20, 20]);
    assert.deepEqual(begun, sockets);
    server.emit('connection', new PassThrough());
    await turn();
    assert.equal(begun.length, 21);
  });

  it('cost nothing for those who have gone away meanwhile', async () => {
    const { server, begun } = open();
    const sockets = Array.from({ length: 20 }, () => new PassThrough());
    for (const socket of sockets) server.emit('connection', socket);
    for (const socket of sockets.slice(0, 12)) socket.destroy(new Error('reset'));
    await turn();
    assert.deepEqual(begun, sockets.slice(12));
  });

  it('are not begun any more by a server that closes', async () => {
    const { server, begun, handshakes } = open();
    const socket = new PassThrough();
    server.emit('connection', socket);
    handshakes.close();
    await turn();
    assert.deepEqual([begun.length, socket.destroyed], [0, true]);
  });
});
