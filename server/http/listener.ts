import { type RequestListener, type Server, type ServerResponse, createServer } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import { type AddressInfo, type ListenOptions, Server as NetServer, type Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { answerClientError } from './client-error.ts';
import { paceHandshakes } from './paced-handshakes.ts';

export type ListenerOptions = {
  readonly limits: { readonly headerBytes: number; readonly connections: number };
  readonly timeouts: {
    readonly headersSeconds: number;
    readonly requestSeconds: number;
    readonly keepAliveSeconds: number;
    readonly handshakeSeconds: number;
  };
  readonly tls?: { readonly options: SecureContextOptions; readonly requestClientCertificate: boolean };
  /** Other processes may listen at the same port, and the system gives each of them a share of the connections. */
  readonly sharePort?: boolean;
};

export type Listener = {
  /** Rejects with the error of the system (EADDRINUSE, EACCES, …). Resolves to where it listens: `https://[::1]:8443` */
  listen(host: string, port: number): Promise<string>;
  /** Connections end with their answer, and idle ones after a moment. False: some had to be cut after `ms`. */
  drain(ms: number): Promise<boolean>;
  /** New handshakes see it; connections that are open keep what they have. */
  replaceTls(options: SecureContextOptions): void;
  connections(): number;
};

const CLOSE_IDLE_EVERY_MS = 50;
/**
 * A connection that looks idle may have a request on its way, which would be cut. Who asks all the time asks again within
 * so long, and hears with the answer that this was the last.
 */
const LINGER_MS = 150;

/**
 * The last response that was begun on a connection stands on the connection itself. A set that every request enters and
 * leaves is made anew again and again, each old one pointing to the next, and once one of them has survived for long
 * enough, the collector takes all that follow, with their responses, for survivors too.
 */
const LAST_RESPONSE = Symbol('last response');
type Connection = Socket & { [LAST_RESPONSE]?: ServerResponse };

export function createListener(handler: RequestListener, options: ListenerOptions): Listener {
  const asked = new Set<Connection>();
  let isDraining = false;
  const server = createHttpServer(options);
  const handshakes = options.tls && paceHandshakes(server as TlsServer);
  const onRequest: RequestListener = (request, response) => {
    const socket: Connection = request.socket;
    if (socket[LAST_RESPONSE] === undefined) remember(asked, socket);
    socket[LAST_RESPONSE] = response;
    if (isDraining) response.setHeader('Connection', 'close');
    handler(request, response);
  };
  server.on('request', onRequest);
  // Node would answer "100 Continue" by itself; here the body is invited only when it is about to be read.
  server.on('checkContinue', onRequest);
  server.on('clientError', answerClientError);
  server.maxConnections = options.limits.connections;
  let open = 0;
  server.on('connection', (socket) => {
    open++;
    socket.once('close', () => open--);
  });

  return {
    async listen(host, port) {
      await listen(server, { host, port, reusePort: options.sharePort ?? false });
      return urlOf(server, options.tls === undefined ? 'http' : 'https');
    },
    drain(ms) {
      isDraining = true;
      handshakes?.close();
      for (const { [LAST_RESPONSE]: response } of asked) {
        if (response?.headersSent === false) response.setHeader('Connection', 'close');
      }
      return closeWithin(server, ms);
    },
    replaceTls: (tls) => (server as TlsServer).setSecureContext(tls),
    connections: () => open,
  };
}

function remember(sockets: Set<Connection>, socket: Connection): void {
  sockets.add(socket);
  socket.once('close', () => sockets.delete(socket));
}

function createHttpServer({ limits, timeouts, tls }: ListenerOptions): Server | TlsServer {
  const settings = {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: timeouts.headersSeconds * 1000,
    requestTimeout: Math.max(timeouts.requestSeconds, timeouts.headersSeconds) * 1000,
    keepAliveTimeout: timeouts.keepAliveSeconds * 1000,
    connectionsCheckingInterval: 500,
  };
  if (tls === undefined) return createServer(settings);
  return createTlsServer({
    ...settings,
    ...tls.options,
    handshakeTimeout: timeouts.handshakeSeconds * 1000,
    minVersion: 'TLSv1.2',
    // A client without a certificate, or with one that TLS cannot judge, is still answered: each route decides what it
    // needs, with our own verifier and the state in the database (an expired license may still renew in its grace).
    requestCert: tls.requestClientCertificate,
    rejectUnauthorized: false,
  });
}

function listen(server: Server | TlsServer, where: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function urlOf(server: Server | TlsServer, scheme: string): string {
  const { address, port, family } = server.address() as AddressInfo;
  return `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

function closeWithin(server: Server | TlsServer, ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const began = performance.now();
    // A connection whose answer had already begun was not told to close: it becomes idle and is closed here.
    const idle = setInterval(() => {
      if (performance.now() - began >= LINGER_MS) server.closeIdleConnections();
    }, CLOSE_IDLE_EVERY_MS);
    let isWhole = true;
    const cut = setTimeout(() => {
      isWhole = false;
      server.closeAllConnections();
    }, ms);
    // That of sockets: the one of HTTP would close idle connections at once.
    NetServer.prototype.close.call(server, () => {
      clearInterval(idle);
      clearTimeout(cut);
      resolve(isWhole);
    });
  });
}
