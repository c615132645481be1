import type { IncomingMessage, ServerResponse } from 'node:http';
import { LicetError } from '../../licensing/errors.ts';
import type { Random } from '../../licensing/ports/random.ts';
import type { Log } from '../../log/log.ts';
import { HttpError } from '../../problem.ts';
import { answerProblem, type ProblemForm } from '../answer-problem.ts';
import type { Body } from '../routes.ts';

/** RFC 7030 §4.2.3: what is refused is told in plain text, for the person who reads the client's log. */
const PLAIN_TEXT: ProblemForm = {
  type: 'text/plain; charset=utf-8',
  headers: ({ status, code }) => ({
    'X-Licet-Code': code,
    // RFC 7030 §3.2.3: Basic is what EST clients speak. Asked for only where nothing was given.
    ...(status === 401 && { 'WWW-Authenticate': 'Basic realm="licet", charset="UTF-8"' }),
  }),
  body: ({ detail, code, instance }) => `${detail}\n(${code}, ${instance})\n`,
};

type Deps = { readonly log: Log; readonly random: Random };

export function refuse(error: unknown, request: IncomingMessage, response: ServerResponse, deps: Deps): void {
  answerProblem(asForbidden(error), request, response, deps, PLAIN_TEXT);
}

/** A challenge is for who gave nothing: whoever gave something that is wrong would answer it with the same for ever. */
function asForbidden(error: unknown): unknown {
  if (!(error instanceof LicetError) || error.kind !== 'unauthenticated' || error.code === MISSING) return error;
  return new LicetError('forbidden', error.code, error.message, { cause: error });
}

const MISSING = 'CREDENTIALS_MISSING';

/**
 * `application/pkcs10` as RFC 5967 has it; older tools put an x- before it. One process takes 16 KiB for a request with an
 * ML-DSA key and extensions; nothing else is larger.
 */
export const REQUEST_BODY: Body = {
  kind: 'bytes',
  types: ['application/pkcs10', 'application/x-pkcs10'],
  limit: 16 * 1024,
};

export const unauthenticated = (): LicetError =>
  new LicetError(
    'unauthenticated',
    MISSING,
    'Say who asks: an enrolment token or API token as HTTP Basic password, or the present license as TLS certificate.',
  );

export const switchedOff = (): HttpError =>
  new HttpError(404, 'SERVER_KEYS_OFF', 'This server makes no keys for others; make the key at the site.');

export const notAnOperation = (operations: readonly string[]): HttpError =>
  new HttpError(
    404,
    'ROUTE_NOT_FOUND',
    `Nothing is served under this path: check the address, which ends in the enterprise's label, if any, and one of ${operations.join(', ')}.`,
  );
