import type { Server } from 'node:https';
import type { Duplex } from 'node:stream';

/** A few milliseconds of work. */
const PER_TURN = 8;

/**
 * So many TLS handshakes are begun in one turn of the event loop. After an outage thousands of clients knock within a
 * second; begun all at a time they make one turn of a second and more, and everything that is under way, down to the
 * health check, needs a turn for each word that it exchanges with the database. The total is not made less by this: with
 * nothing else to do the next turn is now. Who has gone away meanwhile costs nothing.
 */
export function paceHandshakes(server: Server): { close(): void } {
  const begin = server.listeners('connection');
  server.removeAllListeners('connection');
  const waiting: Duplex[] = [];

  function turn(): void {
    for (let begun = 0; begun < PER_TURN && waiting.length > 0;) {
      const socket = waiting.shift();
      if (socket === undefined || socket.destroyed) continue;
      begun += 1;
      for (const listener of begin) listener.call(server, socket);
    }
    if (waiting.length > 0) setImmediate(turn);
  }

  server.on('connection', (socket) => {
    // Broken off before there was anybody to hear of it.
    socket.on('error', () => socket.destroy());
    waiting.push(socket);
    if (waiting.length === 1) setImmediate(turn);
  });
  return {
    close() {
      for (const socket of waiting.splice(0)) socket.destroy();
    },
  };
}
