import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';

export type Way = { readonly proxy: string; isOpen: boolean; close(): void };

/** The only way from the sites to one port of this machine: an HTTP proxy that can be gone, as a network is. */
export async function openWay(port: number): Promise<Way> {
  const way = { proxy: '', isOpen: true, close: () => void server.close() };
  const server = createServer((_, response) => response.writeHead(502).end());
  server.on('connection', (socket) => {
    if (!way.isOpen) socket.destroy();
  });
  server.on('connect', ({ url }, socket) => {
    socket.on('error', () => socket.destroy());
    // Whatever else the sites look for is not there.
    if (url?.endsWith(`:${port}`) === true) pass(socket, port);
    else socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  way.proxy = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return way;
}

function pass(socket: Duplex, port: number): void {
  const upstream = connect(port, '127.0.0.1', () => {
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    upstream.pipe(socket).pipe(upstream);
  });
  upstream.on('error', () => socket.destroy());
  upstream.on('close', () => socket.destroy());
  socket.on('close', () => upstream.destroy());
}
