import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { noCrash } from '@licet/authority';
import { createApp, routeLabels } from '../app.ts';
import { systemClock as clock } from '../clock.ts';
import type { Config } from '../config/index.ts';
import { crashPoint } from '../crash-point.ts';
import type { Ground } from '../ground.ts';
import { Admission } from '../http/admission.ts';
import type { FastPath } from '../http/dispatcher.ts';
import { halfAnswers } from '../http/half-answer.ts';
import { createListener, type Listener } from '../http/listener.ts';
import type { Route } from '../http/routes.ts';
import { createLiveness } from '../operations/liveness.ts';
import { createOperations } from '../operations/pages.ts';
import type { Readiness } from '../operations/readiness.ts';
import type { Database } from '../persistence/database.ts';
import { systemRandom as random } from '../random.ts';
import { listenError } from '../start-error.ts';
import type { WatchedTls } from '../tls/files.ts';

const WAITING_SHARE = 0.6;

export type Served = { readonly routes: readonly Route[]; readonly fastPaths: readonly FastPath[] };

export function appFor({ config, log, metrics }: Ground, { routes, fastPaths }: Served): RequestListener {
  const { limits, timeouts, trustProxy, clientCertificateHeader } = config.http;
  metrics.know({ routes: routeLabels(routes, fastPaths) });
  const answerMs = timeouts.answerSeconds * 1000;
  // What waits has still to be worked on in time.
  const admission = new Admission({ clock, patienceMs: answerMs * WAITING_SHARE });
  if (routes.length > 0) metrics.watch({ admission: () => admission.counts });
  const app = createApp({
    routes,
    fastPaths,
    limits: {
      bytes: limits.bodyBytes,
      depth: limits.jsonDepth,
      keys: limits.jsonKeys,
      urlBytes: limits.urlBytes,
      answerMs,
    },
    admission,
    trustProxy,
    clientCertificateHeader,
    random,
    log,
    metrics,
  });
  return crashPoint === noCrash ? app : halfAnswers(app, () => crashPoint('issue.answering'));
}

/**
 * What opens last is refused first: whoever names a port that is in use has no database made for it, and no public door
 * that opens for a moment.
 */
export async function assertPortsFree({ http, operations }: Config): Promise<void> {
  const free = async (host: string, port: number, key: 'http' | 'operations'): Promise<void> => {
    const probe = createServer();
    const listening = once(probe, 'listening');
    probe.listen({ host, port });
    await listening.catch((error: unknown) => {
      throw listenError(error, host, port, key);
    });
    await new Promise((closed) => probe.close(closed));
  };
  if (!http.sharePort) await free(http.host, http.port, 'http');
  await free(operations.host, operations.port, 'operations');
}

export type PlainListener = {
  readonly port: number;
  serve(app: RequestListener): Promise<void>;
  close(): Promise<unknown>;
};

/**
 * The plain listener, beside a public one with TLS. It is open before anything else, because certificates name its
 * port; until there is something to serve it asks for patience. Where other processes serve at the same port, it opens
 * when it can serve: it would answer so to some of those who ask them.
 */
export async function openPlain({ config }: Pick<Ground, 'config'>): Promise<PlainListener> {
  const { limits, timeouts, plain, sharePort } = config.http;
  let app: RequestListener = (_request, response) => {
    response.writeHead(503, { 'Retry-After': '1' }).end();
  };
  const listener = createListener((request, response) => app(request, response), { limits, timeouts, sharePort });
  const host = plain.host ?? config.http.host;
  const open = (): Promise<string> =>
    listener.listen(host, plain.port).catch((error: unknown) => {
      throw listenError(error, host, plain.port, 'http.plain');
    });
  return {
    port: sharePort ? plain.port : Number(new URL(await open()).port),
    async serve(next) {
      app = next;
      if (sharePort) await open();
    },
    close: () => listener.drain(timeouts.drainSeconds * 1000),
  };
}

export type PublicParts = {
  readonly app: RequestListener;
  readonly readiness: Readiness;
  readonly tls: WatchedTls | undefined;
  readonly plain: PlainListener | undefined;
};

/**
 * The public listener, the first to be closed and the last to be opened: those who come through it may be many, and would
 * take database and processor from what is still being started.
 */
export function hangPublic(ground: Ground, { app, readiness, tls, plain }: PublicParts): { open(): Promise<string> } {
  const { config, metrics, lifecycle } = ground;
  const { host, port, limits, timeouts, sharePort } = config.http;
  const { requestClientCertificate } = config.http.tls;
  const listener = createListener(app, {
    limits,
    timeouts,
    sharePort,
    ...(tls && { tls: { options: tls.first.options, requestClientCertificate } }),
  });
  tls?.onChange(({ options }) => listener.replaceTls(options));
  // Without files to read again it means what it means everywhere: the terminal is gone.
  process.on('SIGHUP', () => (tls ? tls.reload() : lifecycle.signal('SIGHUP')));
  metrics.watch({ connections: () => listener.connections() });
  let isOpen = false;
  const stop = () => stopPublic(ground, { listener, readiness, tls, plain, isOpen });
  lifecycle.add({ name: 'public listener', stop });
  const open = async (): Promise<string> => {
    try {
      const address = await listener.listen(host, port);
      isOpen = true;
      return address;
    } catch (error) {
      throw listenError(error, host, port, 'http');
    }
  };
  return { open };
}

async function stopPublic(
  { config }: Ground,
  { listener, readiness, tls, plain, isOpen }: Omit<PublicParts, 'app'> & { listener: Listener; isOpen: boolean },
): Promise<boolean> {
  const { settleSeconds, drainSeconds } = config.http.timeouts;
  readiness.close('stopping');
  if (isOpen) await pause(settleSeconds * 1000);
  tls?.stop();
  const [isWhole] = await Promise.all([listener.drain(drainSeconds * 1000), plain?.close()]);
  return isWhole;
}

export function openOperations(
  { config, metrics, lifecycle }: Ground,
  readiness: Readiness,
  database: Database,
): Promise<string> {
  const { host, port } = config.operations;
  const { limits, timeouts } = config.http;
  const liveness = createLiveness();
  metrics.watch({
    pool: () => database.poolStats(),
    loopDelay: () => liveness.delay(),
    isReady: async () => (await readiness.state()).isReady,
  });
  const listener = createListener(createOperations({ liveness, readiness, metrics }), { limits, timeouts });
  lifecycle.add({
    name: 'operations listener',
    stop() {
      liveness.stop();
      return listener.drain(1000);
    },
  });
  return listener.listen(host, port).catch((error: unknown) => {
    throw listenError(error, host, port, 'operations');
  });
}
