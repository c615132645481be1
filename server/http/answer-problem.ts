import type { IncomingMessage, ServerResponse } from 'node:http';
import { LicetError } from '../licensing/errors.ts';
import type { Random } from '../licensing/ports/random.ts';
import type { Log } from '../log/log.ts';
import { PROBLEM_TYPE, type Problem, problemOf } from '../problem.ts';
import { ClientGone } from './body.ts';
import { contextOf } from './context.ts';
import { spread } from './retry-after.ts';

/** How a problem is put into words: protocols that are older than RFC 9457 have their own way. */
export type ProblemForm = {
  readonly type: string;
  readonly headers: (problem: Problem) => Readonly<Record<string, string>>;
  readonly body: (problem: Problem) => string;
};

const PROBLEM_DOCUMENT: ProblemForm = {
  type: PROBLEM_TYPE,
  headers: () => ({}),
  body: (value) => JSON.stringify(value),
};

/** Answers with the problem document of an error, and writes to the log what the client must not see. */
export function answerProblem(
  error: unknown,
  request: IncomingMessage,
  response: ServerResponse,
  { log, random }: { readonly log: Log; readonly random: Random },
  form = PROBLEM_DOCUMENT,
): void {
  const { id: requestId, route } = contextOf(request);
  if (error instanceof ClientGone) {
    response.destroy();
    return;
  }
  if (response.writableEnded) {
    // It was answered before it was done (`answerInTime`): whoever asks again hears what came of it.
    log.warn({ requestId, route, err: error }, 'request ended after its answer');
    return;
  }
  const { problem, headers, isDefect } = problemOf(error, requestId);
  if (isDefect) log.error({ requestId, route, err: error }, 'request failed');
  else if (error instanceof LicetError && error.kind === 'unavailable') {
    // One that has no cause beyond itself is told whole by its code, and comes in thousands.
    const cause = error.cause === undefined ? {} : { err: error };
    log.warn({ requestId, route, code: error.code, ...cause }, 'request could not be served');
  }
  if (response.headersSent) {
    // Half an answer is out: cutting the connection is the only way left to say that it is not whole.
    response.destroy();
    return;
  }
  const body = form.body(problem);
  response.statusCode = problem.status;
  response.removeHeader('ETag');
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('Content-Type', form.type);
  response.setHeader('Content-Length', Buffer.byteLength(body));
  for (const [name, value] of Object.entries({ ...headers, ...form.headers(problem) })) {
    if (name !== 'WWW-Authenticate' || !response.hasHeader(name)) response.setHeader(name, value);
  }
  // A 429 is about one who asks, and says exactly when; a 503 is about all at a time.
  const wait = problem.status === 503 ? headers['Retry-After'] : undefined;
  if (wait !== undefined) response.setHeader('Retry-After', spread(Number(wait), random));
  response.end(request.method === 'HEAD' ? undefined : body);
}
