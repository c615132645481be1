import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Log } from '../log/log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { RequestContext } from './context.ts';

/** The client closed the connection before the answer was out; nginx counts it under the same number. */
const CLIENT_CLOSED = 499;

type Observer = {
  readonly context: RequestContext;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Too frequent for a line each. */
  readonly isQuiet: boolean;
};

/** Counts a request and writes its line in the log, once, when it is over in one way or another. */
export function observe(
  request: IncomingMessage,
  response: ServerResponse,
  { context, log, metrics, isQuiet }: Observer,
): void {
  const started = performance.now();
  const { remoteAddress } = request.socket; // gone once the socket is closed
  metrics.httpStarted();
  // Comes once; `once` would wrap it.
  response.on('close', () => {
    const ms = performance.now() - started;
    const status = response.writableFinished ? response.statusCode : CLIENT_CLOSED;
    const { method = '' } = request;
    metrics.httpRequest({ method, route: context.route, status }, ms / 1000);
    if (isQuiet && !log.isOn('debug')) return;
    log[isQuiet ? 'debug' : 'info'](
      {
        requestId: context.id,
        method,
        route: context.route,
        status,
        ms: Math.round(ms * 100) / 100,
        // Express knows which proxies to believe.
        client: 'ip' in request ? (request.ip as string | undefined) : remoteAddress,
      },
      'request',
    );
  });
}
