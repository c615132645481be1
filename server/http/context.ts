import type { IncomingMessage } from 'node:http';
import type { Random } from '../licensing/ports/random.ts';

/** What the frame knows of a request before any route does. */
export type RequestContext = {
  readonly id: string;
  /** The template of the route that took it, or `unmatched`: one of a closed set, fit for a metric label. */
  route: string;
};

export const UNMATCHED = 'unmatched';

const contexts = new WeakMap<IncomingMessage, RequestContext>();

/** From outside only what is safe in a log, a header and a URN. */
const SANE_ID = /^[\w.-]{8,64}$/;

export function openContext(request: IncomingMessage, random: Random): RequestContext {
  const given = request.headers['x-request-id'];
  const id = typeof given === 'string' && SANE_ID.test(given) ? given : newId(random);
  const context = { id, route: UNMATCHED };
  contexts.set(request, context);
  return context;
}

export function contextOf(request: IncomingMessage): RequestContext {
  const context = contexts.get(request);
  if (context === undefined) throw new Error('This request did not come through the dispatcher.');
  return context;
}

export const requestId = (request: IncomingMessage): string => contextOf(request).id;

const newId = (random: Random): string => Buffer.from(random.bytes(12)).toString('base64url');
