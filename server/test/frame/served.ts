import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { type AppDeps, createApp, routeLabels } from '../../app.ts';
import { Admission } from '../../http/admission.ts';
import { type LogFields, createLog } from '../../log/log.ts';
import { type Metrics, createMetrics } from '../../metrics/metrics.ts';
import { type Listener, type ListenerOptions, createListener } from '../../http/listener.ts';

export type Served = {
  readonly url: string;
  readonly port: number;
  readonly listener: Listener;
  readonly metrics: Metrics;
  /** Log lines so far. */
  readonly lines: (LogFields & { message: string; level: string })[];
  close(): Promise<void>;
};

export type ServeOptions = Partial<Pick<AppDeps, 'routes' | 'fastPaths' | 'trustProxy' | 'clientCertificateHeader'>> & {
  readonly limits?: Partial<AppDeps['limits'] & ListenerOptions['limits']>;
  readonly timeouts?: Partial<ListenerOptions['timeouts']>;
  readonly tls?: ListenerOptions['tls'];
  readonly secrets?: readonly string[];
  readonly admission?: Admission;
};

/** The real frame on a real socket, with the routes of a test. */
export async function serve(options: ServeOptions = {}): Promise<Served> {
  const lines: Served['lines'] = [];
  const { routes = [], fastPaths = [], trustProxy = [], clientCertificateHeader } = options;
  const metrics = createMetrics({ version: '0', routes: routeLabels(routes, fastPaths), jobs: [] });
  const limits = {
    bytes: 64 * 1024,
    depth: 16,
    keys: 100,
    urlBytes: 4096,
    headerBytes: 8192,
    connections: 100,
    answerMs: 60_000,
  };
  const all = { ...limits, ...options.limits };
  const clock = { now: () => new Date('2026-01-01T00:00:00Z') };
  const { admission = new Admission({ clock, patienceMs: 10_000 }) } = options;
  const log = createLog({
    level: 'info',
    format: 'json',
    clock,
    write: (line) => void lines.push(JSON.parse(line) as Served['lines'][number]),
    secrets: options.secrets ?? [],
  });
  const random = { bytes: (length: number) => new Uint8Array(randomBytes(length)) };
  const proxies = { trustProxy, clientCertificateHeader };
  const app = createApp({ routes, fastPaths, ...proxies, limits: all, admission, random, log, metrics });
  const timeouts = { headersSeconds: 5, requestSeconds: 30, keepAliveSeconds: 5, handshakeSeconds: 5 };
  const listener = createListener(app, {
    limits: all,
    timeouts: { ...timeouts, ...options.timeouts },
    ...(options.tls && { tls: options.tls }),
  });
  const url = await listener.listen('127.0.0.1', 0);
  return {
    url,
    port: Number(new URL(url).port),
    listener,
    metrics,
    lines,
    close: async () => void (await listener.drain(0)),
  };
}

/** One that nobody listens at, at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Bytes in, all bytes back until the server closes the connection. */
export function exchange(port: number, ...parts: readonly (string | Buffer)[]): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    socket.setEncoding('latin1');
    socket.on('data', (data: string) => (answer += data));
    socket.once('close', () => resolve(answer));
    socket.once('error', () => socket.destroy());
    for (const part of parts) socket.write(part);
  });
}

/** Waits for something that happens by itself, but not for ever. */
export async function eventually(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`not within two seconds: ${what}`);
}
