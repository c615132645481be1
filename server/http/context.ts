import type { IncomingMessage } from 'node:http';
import type { Random } from '../licensing/ports/random.ts';

/** What the frame knows of a request before any route does. */
export type RequestContext = {
  readonly id: string;
  /** The template of the route that took it, or `unmatched`: one of a closed set, fit for a metric label. */
  route: string;
};

export const UNMATCHED = 'unmatched';

/** On the request itself: a WeakMap of what lives so shortly keeps the garbage collector busy. */
const CONTEXT = Symbol('context');
type Known = { [CONTEXT]?: RequestContext };

/** From outside only what is safe in a log, a header and a URN. */
const SANE_ID = /^[\w.-]{8,64}$/;

export function openContext(request: IncomingMessage, newId: () => string): RequestContext {
  const given = request.headers['x-request-id'];
  const id = typeof given === 'string' && SANE_ID.test(given) ? given : newId();
  const context = { id, route: UNMATCHED };
  (request as Known)[CONTEXT] = context;
  return context;
}

export function contextOf(request: IncomingMessage): RequestContext {
  const context = (request as Known)[CONTEXT];
  if (context === undefined) throw new Error('This request did not come through the dispatcher.');
  return context;
}

export const requestId = (request: IncomingMessage): string => contextOf(request).id;

const ID_BYTES = 12;
const IDS_DRAWN = 128;

/** Drawn by the block: a call to the operating system for each would cost more than the rest of a short answer. */
export function requestIds(random: Random): () => string {
  let drawn = Buffer.alloc(0);
  let next = 0;
  return () => {
    if (next === drawn.length) {
      drawn = Buffer.from(random.bytes(ID_BYTES * IDS_DRAWN));
      next = 0;
    }
    return drawn.toString('base64url', next, (next += ID_BYTES));
  };
}
