import type { Express, Request, Response } from 'express';
import type { LicetError } from '../licensing/errors.ts';
import { HttpError } from '../problem.ts';
import { checkBodyHeaders, checkDigest, readBody } from './body.ts';
import { contextOf } from './context.ts';
import { answerInTime } from './in-time.ts';
import { type JsonLimits, parseJson } from './json.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** May throw or reject: a LicetError or HttpError becomes its problem document, everything else a 500. */
export type Step = (request: Request, response: Response) => void | Promise<void>;

export type Body =
  | { readonly kind: 'json'; readonly limit?: number }
  | { readonly kind: 'bytes'; readonly types: readonly string[]; readonly limit?: number };

/** One line of the table of all routes. */
export type Route = {
  readonly method: Method;
  /** Express 5 template, from the root: `/api/sites/:id`. It is also the metric label and the name in the log. */
  readonly path: string;
  /** Who asks, how often: run in this order after the headers were checked and before the body is read. */
  readonly guards?: readonly Step[];
  /** Without it a body is not read. JSON arrives in `request.body` parsed, `bytes` as a Buffer. */
  readonly body?: Body;
  /** The media types the route can answer with; default JSON. A client that accepts none of them gets 406. */
  readonly produces?: readonly string[];
  readonly handle: Step;
  /** Where the work is much by its nature: how long its client waits, if that is longer than for others. */
  readonly answerMs?: number;
  /** In the words of its protocol, that it takes too long; default the problem document. */
  readonly refuse?: (late: LicetError, request: Request, response: Response) => void;
};

export type BodyLimits = JsonLimits & { readonly bytes: number };

export type Patience = {
  /** From the end of the request to its answer. */
  readonly answerMs: number;
  readonly late: NonNullable<Route['refuse']>;
};

/** Two paths that match the same URL: the first in the table wins, for all methods. */
export function mountRoutes(app: Express, routes: readonly Route[], limits: BodyLimits, patience: Patience): void {
  for (const [path, group] of Map.groupBy(routes, (route) => route.path)) {
    const byMethod = new Map<string, Route>(group.map((route) => [route.method, route]));
    if (byMethod.size !== group.length) throw new TypeError(`A method of ${path} is in the table of routes twice.`);
    app.all(path, async (request, response) => {
      contextOf(request).route = path;
      const route = byMethod.get(request.method === 'HEAD' ? 'GET' : request.method);
      if (route !== undefined) {
        const { refuse = patience.late, answerMs = 0 } = route;
        answerInTime(request, response, Math.max(answerMs, patience.answerMs), (late) =>
          refuse(late, request, response),
        );
        await serve(route, limits, request, response);
      } else refuseMethod(request, response, allowHeader(byMethod.keys()));
    });
  }
}

async function serve(route: Route, limits: BodyLimits, request: Request, response: Response): Promise<void> {
  const produces = route.produces ?? ['application/json'];
  if (request.headers.accept !== undefined && request.accepts([...produces]) === false) {
    throw new HttpError(406, 'NOT_ACCEPTABLE', `The answer is only available as ${produces.join(' or ')}.`);
  }
  const { body } = route;
  const limit = body?.limit ?? limits.bytes;
  if (body !== undefined) checkBodyHeaders(request, limit, body.kind === 'json' ? ['application/json'] : body.types);
  for (const guard of route.guards ?? []) await guard(request, response);
  if (body !== undefined) {
    const bytes = await readBody(request, response, limit);
    checkDigest(request, bytes);
    request.body = body.kind === 'json' ? parseJson(bytes, limits) : bytes;
  }
  await route.handle(request, response);
}

export function allowHeader(methods: Iterable<string>): string {
  const all = new Set([...methods, 'OPTIONS']);
  if (all.has('GET')) all.add('HEAD');
  return [...all].sort().join(', ');
}

/** OPTIONS is answered with what there is; no other origin is let in, so there are no CORS headers. */
function refuseMethod(request: Request, response: Response, allow: string): void {
  response.setHeader('Allow', allow);
  if (request.method !== 'OPTIONS') {
    throw new HttpError(405, 'METHOD_NOT_ALLOWED', `Only ${allow} can be used here.`);
  }
  response.status(204).end();
}
