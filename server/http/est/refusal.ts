import type { Request, Response } from 'express';
import { LicetError } from '../../licensing/errors.ts';
import type { Random } from '../../licensing/ports/random.ts';
import type { Log } from '../../log.ts';
import { HttpError } from '../../problem.ts';
import { answerProblem, type ProblemForm } from '../answer-problem.ts';
import { checkBodyHeaders } from '../body.ts';

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

export function refuse(error: unknown, request: Request, response: Response, deps: { log: Log; random: Random }): void {
  answerProblem(withJitter(asForbidden(error), deps.random), request, response, deps.log, PLAIN_TEXT);
}

/** A challenge is for who gave nothing: whoever gave something that is wrong would answer it with the same for ever. */
function asForbidden(error: unknown): unknown {
  if (!(error instanceof LicetError) || error.kind !== 'unauthenticated' || error.code === MISSING) return error;
  return new LicetError('forbidden', error.code, error.message, { cause: error });
}

const MISSING = 'CREDENTIALS_MISSING';

/** Those who are sent away together must not come back together. */
function withJitter(error: unknown, random: Random): unknown {
  if (!(error instanceof LicetError) || (error.kind !== 'unavailable' && error.kind !== 'too-many')) return error;
  const { kind, code, message, cause } = error;
  return new LicetError(kind, code, message, {
    retryAfterSeconds: spread(error.retryAfterSeconds ?? DEFAULT_WAIT_SECONDS, random),
    cause,
  });
}

const DEFAULT_WAIT_SECONDS = 5;

/** Whole seconds (several clients read nothing else), between what was meant and twice that. */
export function spread(seconds: number, random: Random): number {
  const [high = 0, low = 0] = random.bytes(2);
  return Math.ceil(seconds * (1 + (high * 256 + low) / 65_536));
}

/** One process takes 16 KiB for a request with an ML-DSA key and extensions; nothing else is larger. */
export const REQUEST_MOST_BYTES = 16 * 1024;

/** `application/pkcs10` as RFC 5967 has it; older tools put an x- before it. */
export function checkRequestHeaders(request: Request): void {
  checkBodyHeaders(request, REQUEST_MOST_BYTES, ['application/pkcs10', 'application/x-pkcs10']);
}

export const unauthenticated = (): LicetError =>
  new LicetError(
    'unauthenticated',
    MISSING,
    'Say who asks: an enrolment token or API token as HTTP Basic password, or the present license as TLS certificate.',
  );

export const switchedOff = (): HttpError =>
  new HttpError(404, 'SERVER_KEYS_OFF', 'This server makes no keys for others; make the key at the site.');
