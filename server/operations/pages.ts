import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Liveness } from './liveness.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Readiness } from './readiness.ts';

export type OperationsDeps = {
  readonly liveness: Liveness;
  readonly readiness: Readiness;
  readonly metrics: Metrics;
};

type Answer = { readonly status: number; readonly type: string; readonly body: string };

/** For the machines that watch over this one. It tells everything to everyone: hence its own listener. */
export function createOperations({ liveness, readiness, metrics }: OperationsDeps): RequestListener {
  const pages: Readonly<Record<string, () => Promise<Answer>>> = {
    '/livez': async () => {
      const state = liveness.state();
      return json(state.isAlive ? 200 : 503, { status: state.isAlive ? 'alive' : 'stalled', delayMs: state.delayMs });
    },
    '/readyz': async () => {
      const { isReady, reason, checks } = await readiness.state();
      return json(isReady ? 200 : 503, { status: isReady ? 'ready' : 'not ready', reason, checks });
    },
    '/metrics': async () => ({ status: 200, type: metrics.contentType, body: await metrics.text() }),
  };
  return (request, response) => {
    const page = pages[(request.url ?? '').split('?')[0]!];
    void answer(page, request, response);
  };
}

const json = (status: number, body: object): Answer => ({
  status,
  type: 'application/json',
  body: `${JSON.stringify(body)}\n`,
});

const plain = (status: number, body: string): Answer => ({ status, type: 'text/plain; charset=utf-8', body });

async function answer(
  page: (() => Promise<Answer>) | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { status, type, body } = await pick(page, request.method);
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    ...(status === 405 ? { Allow: 'GET, HEAD' } : {}),
    ...(status === 503 ? { 'Retry-After': '1' } : {}),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

async function pick(page: (() => Promise<Answer>) | undefined, method: string | undefined): Promise<Answer> {
  if (page === undefined) return plain(404, 'Here are /livez, /readyz and /metrics.\n');
  if (method !== 'GET' && method !== 'HEAD') return plain(405, 'Only GET and HEAD can be used here.\n');
  try {
    return await page();
  } catch (error) {
    // Whoever reaches this listener may know.
    return plain(500, `${String(error)}\n`);
  }
}
