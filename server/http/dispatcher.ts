import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { Random } from '../licensing/ports/random.ts';
import type { Log } from '../log/log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { HttpError } from '../problem.ts';
import { answerProblem } from './answer-problem.ts';
import { openContext, requestId, requestIds } from './context.ts';
import { REQUEST_ID, setSecurityHeaders } from './headers.ts';
import { observe } from './observe.ts';
import { allowHeader, type Refusal, refuseMethod } from './routes.ts';

/** May throw or reject, as a route's steps may. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/**
 * A place that pays no framework tax: OCSP and CRL are asked for by every verifier of every site. It gets no guards, no
 * parsed body, no security headers and, below level debug, no log line. Its handler sends the identifier of the request
 * itself (`sendFast` does): a header that is set before `writeHead` costs more than all the others together.
 */
export type FastPath = {
  readonly method: 'GET' | 'POST';
  /** `/ocsp` takes `/ocsp`, `/ocsp/…` and `/ocsp?…`, but not `/ocsp2`. */
  readonly prefix: string;
  readonly handle: Handler;
};

export type DispatcherDeps = {
  readonly fastPaths: readonly FastPath[];
  readonly app: RequestListener;
  readonly refuseAddress: Refusal;
  readonly urlBytes: number;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
};

/** Everything that comes in comes through here. */
export function createDispatcher(deps: DispatcherDeps): RequestListener {
  const { fastPaths, app, refuseAddress, urlBytes, random, log, metrics } = deps;
  const newId = requestIds(random);
  const fail: Refusal = (error, request, response) => {
    if (!response.headersSent) response.setHeader(REQUEST_ID, requestId(request));
    answerProblem(error, request, response, { log, random });
  };

  return (request, response) => {
    const context = openContext(request, newId);
    const url = request.url ?? '';
    const target = originForm(url);
    const fast = url.length <= urlBytes ? fastPathFor(fastPaths, target, request.method) : undefined;
    observe(request, response, { context, log, metrics, isQuiet: fast !== undefined });
    if (fast === undefined) {
      response.setHeader(REQUEST_ID, context.id);
      setSecurityHeaders(response, request.socket instanceof TLSSocket);
      if (url.length <= urlBytes) app(request, response);
      else refuseAddress(tooLong(urlBytes), request, response);
      return;
    }
    context.route = fast.prefix;
    request.url = target;
    run('allow' in fast ? refusingBut(fast.allow) : fast.path.handle, request, response, fail);
  };
}

/** RFC 9112 §3.2.2: as clients send it to proxies, and as every server must take it. Express does so by itself. */
const originForm = (url: string): string => (url.startsWith('/') ? url : url.replace(/^https?:\/\/[^/?#]+(?=\/)/i, ''));

const refusingBut =
  (allow: string): Handler =>
  (request, response) => {
    response.setHeader(REQUEST_ID, requestId(request));
    refuseMethod(request, response, allow);
  };

const tooLong = (most: number) => new HttpError(414, 'URL_TOO_LONG', `The URL is longer than ${most} bytes.`);

/** Most answers are at hand: they leave in this turn of the event loop, without a promise. */
function run(handle: Handler, request: IncomingMessage, response: ServerResponse, fail: Refusal): void {
  try {
    handle(request, response)?.catch((error: unknown) => fail(error, request, response));
  } catch (error) {
    fail(error, request, response);
  }
}

type Match = { readonly prefix: string } & ({ readonly path: FastPath } | { readonly allow: string });

function fastPathFor(paths: readonly FastPath[], url: string, method: string | undefined): Match | undefined {
  let prefix: string | undefined;
  for (const path of paths) {
    if (!url.startsWith(path.prefix) || !endsSegment(url, path.prefix.length)) continue;
    if (path.method === method || (path.method === 'GET' && method === 'HEAD')) return { prefix: path.prefix, path };
    prefix = path.prefix;
  }
  if (prefix === undefined) return undefined;
  const methods = paths.filter((path) => path.prefix === prefix).map((path) => path.method);
  return { prefix, allow: allowHeader(methods) };
}

function endsSegment(url: string, at: number): boolean {
  return url.length === at || url[at] === '/' || url[at] === '?';
}
