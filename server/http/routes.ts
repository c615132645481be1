import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Express, Request, Response } from 'express';
import { HttpError } from '../problem.ts';
import type { Admission } from './admission.ts';
import { checkBodyHeaders, checkDigest, readBody } from './body.ts';
import { shownEnd } from './client-certificate.ts';
import { contextOf } from './context.ts';
import { answerInTime } from './in-time.ts';
import { type JsonLimits, parseJson } from './json.ts';

export const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
export type Method = (typeof METHODS)[number];

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
  /** How often, by what needs no look into the database: after the headers were checked and before all else. */
  readonly limits?: readonly Step[];
  /** Who asks, and whether at all: in this order, once there is room for the request. */
  readonly guards?: readonly Step[];
  /** Without it a body is not read. JSON arrives in `request.body` parsed, `bytes` as a Buffer. */
  readonly body?: Body;
  /** The media types the route can answer with; default JSON. A client that accepts none of them gets 406. */
  readonly produces?: readonly string[];
  readonly handle: Step;
  /** Where the work is much by its nature: how long its client waits, if that is longer than for others. */
  readonly answerMs?: number;
  /** Every refusal in the words of its protocol, the same for all methods of a path; default the problem document. */
  readonly refuse?: Refusal;
  /** Which addresses are refused so as well though they lead to no route: they are too long, or no router can read them. */
  readonly refusesAt?: RegExp;
  /**
   * A rush keeps nobody from it: a read, work that is shared by all who ask at a time, or one that goes on for long at a
   * pace of its own and would hold a place all the time. Default: GET.
   */
  readonly isLight?: boolean;
  /** When the license ends that the body shows; default that of the TLS client. */
  readonly endsAt?: (body: Buffer) => Date | undefined;
};

export type Refusal = (error: unknown, request: IncomingMessage, response: ServerResponse) => void;

export type BodyLimits = JsonLimits & { readonly bytes: number };

export type Serving = {
  readonly limits: BodyLimits;
  /** From the end of the request to its answer. */
  readonly answerMs: number;
  readonly admission: Admission;
  readonly refuse: Refusal;
};

/** How addresses that lead to no route are refused. */
export function refusalOf(routes: readonly Route[], otherwise: Refusal): Refusal {
  const own = new Map(routes.flatMap(({ refusesAt, refuse }) => (refusesAt && refuse ? [[refusesAt, refuse]] : [])));
  return (error, request, response) => {
    const [, refuse = otherwise] = [...own].find(([addresses]) => addresses.test(request.url ?? '')) ?? [];
    refuse(error, request, response);
  };
}

/** Two paths that match the same URL: the first in the table wins, for all methods. */
export function mountRoutes(app: Express, routes: readonly Route[], serving: Serving): void {
  for (const [path, group] of Map.groupBy(routes, (route) => route.path)) {
    const byMethod = new Map<string, Route>(group.map((route) => [route.method, route]));
    if (byMethod.size !== group.length) throw new TypeError(`A method of ${path} is in the table of routes twice.`);
    app.all(path, async (request, response) => {
      contextOf(request).route = path;
      const route = byMethod.get(request.method === 'HEAD' ? 'GET' : request.method);
      const { refuse = serving.refuse, answerMs = 0 } = route ?? group[0]!;
      answerInTime(request, response, Math.max(answerMs, serving.answerMs), (late) => refuse(late, request, response));
      try {
        if (route === undefined) refuseMethod(request, response, allowHeader(byMethod.keys()));
        else await serve(route, serving, request, response);
      } catch (error) {
        refuse(error, request, response);
      }
    });
  }
}

/** Node keeps so much of a body that nobody reads, and a megabyte of it is worth a question beforehand. */
const SMALL_BODY = 64 * 1024;

async function serve(route: Route, serving: Serving, request: Request, response: Response): Promise<void> {
  const produces = route.produces ?? ['application/json'];
  if (request.headers.accept !== undefined && request.accepts([...produces]) === false) {
    throw new HttpError(406, 'NOT_ACCEPTABLE', `The answer is only available as ${produces.join(' or ')}.`);
  }
  const { body } = route;
  const limit = body?.limit ?? serving.limits.bytes;
  if (body !== undefined) checkBodyHeaders(request, limit, body.kind === 'json' ? ['application/json'] : body.types);
  for (const check of route.limits ?? []) await check(request, response);
  const read = () => readBody(request, response, limit);
  // Whoever sends slowly must not hold a place, so a small body is read before there is one.
  const small = body !== undefined && limit <= SMALL_BODY && request.headers.expect === undefined;
  const early = small ? await read() : undefined;
  const through = admitted(route, serving.admission, request, early);
  const guard = async (): Promise<void> => {
    for (const step of route.guards ?? []) await step(request, response);
  };
  const handle = async (bytes: Buffer | undefined): Promise<void> => {
    if (bytes !== undefined) {
      checkDigest(request, bytes);
      request.body = body?.kind === 'json' ? parseJson(bytes, serving.limits) : bytes;
    }
    await route.handle(request, response);
  };
  if (body === undefined || small) {
    await through(async () => {
      await guard();
      await handle(early);
    });
    return;
  }
  // Who is refused is spared the sending of what is large, or of what it has asked for leave to send.
  await through(guard);
  const late = await read();
  await through(() => handle(late));
}

type Through = (work: () => Promise<void>) => Promise<void>;

function admitted(route: Route, admission: Admission, request: Request, body: Buffer | undefined): Through {
  const { method, isLight = method === 'GET', endsAt } = route;
  if (isLight) return (work) => work();
  const end = () => (body && endsAt?.(body)) ?? shownEnd(request);
  return (work) => admission.through(end, work);
}

export function allowHeader(methods: Iterable<string>): string {
  const all = new Set([...methods, 'OPTIONS']);
  if (all.has('GET')) all.add('HEAD');
  return [...all].sort().join(', ');
}

/** OPTIONS is answered with what there is; no other origin is let in, so there are no CORS headers. */
export function refuseMethod(request: IncomingMessage, response: ServerResponse, allow: string): void {
  response.setHeader('Allow', allow);
  if (request.method !== 'OPTIONS') {
    throw new HttpError(405, 'METHOD_NOT_ALLOWED', `Only ${allow} can be used here.`);
  }
  response.writeHead(204).end();
}
