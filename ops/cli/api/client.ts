import { randomUUID } from 'node:crypto';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { CliError } from '../io.ts';
import type { Context } from './contexts.ts';
import { exchange, type HttpAnswer } from './http.ts';

export type ApiCall = {
  readonly method: string;
  /** From the root: `/api/v1/sites?limit=10`. */
  readonly path: string;
  readonly body?: unknown;
  readonly ifMatch?: string | undefined;
  /** Sent again by itself when the answer got lost: the key keeps it from being done twice. */
  readonly isRepeatable?: boolean;
  /** What the answer must be, if not JSON. */
  readonly accept?: string;
  /** Takes a good answer as it comes. */
  readonly onData?: (part: Buffer) => void;
};

export type ApiAnswer = { readonly status: number; readonly body: unknown; readonly etag: string | undefined };

/** A refusal of the server, with what it said. */
export class ApiError extends CliError {
  readonly problem: Problem;

  constructor(exitCode: ExitCode, problem: Problem) {
    const places = (problem.errors ?? []).map(({ pointer, detail }) => `\n  ${pointer}: ${detail}`).join('');
    super(exitCode, problem.code, `${problem.detail}${places}`);
    this.problem = problem;
  }
}

export type Problem = {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly instance?: string;
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
};

export async function callApi(context: Context, call: ApiCall): Promise<ApiAnswer> {
  const { method, path, body, ifMatch, isRepeatable = false, accept = 'application/json', onData } = call;
  const headers = {
    Accept: accept,
    ...(context.token !== undefined && { Authorization: `Bearer ${context.token}` }),
    ...(body !== undefined && { 'Content-Type': 'application/json' }),
    ...(ifMatch !== undefined && { 'If-Match': ifMatch }),
    ...(isRepeatable && { 'Idempotency-Key': randomUUID() }),
  };
  const request = {
    url: new URL(path, context.url).href,
    method,
    headers,
    root: context.root,
    publicTls: context.publicTls,
    ...(onData && { onData }),
    ...(body !== undefined && { body: JSON.stringify(body) }),
  };
  const answer = await exchange(request).catch((error: unknown) => {
    if (onData !== undefined || (!isRepeatable && method !== 'GET')) throw error;
    return exchange(request);
  });
  const parsed = jsonOf(answer);
  if (answer.status >= 400) throw refusal(answer, parsed);
  return { status: answer.status, body: parsed, etag: answer.headers.etag };
}

function refusal({ status, headers }: HttpAnswer, parsed: unknown): CliError {
  if (typeof parsed !== 'object' || parsed === null || !('code' in parsed) || !('detail' in parsed)) {
    const message = `The server answered with status ${status} and no problem document; is this a license server?`;
    return new CliError(EXIT.unknown, 'ANSWER_STRANGE', message);
  }
  const problem = parsed as Problem;
  const wait = headers['retry-after'];
  const detail = [problem.detail, wait !== undefined && `Try again in ${wait} s.`, hint(problem)]
    .filter(Boolean)
    .join(' ');
  return new ApiError(exitCodeOf(status), { ...problem, detail });
}

const hint = ({ code }: Problem): string | undefined =>
  code === 'NOT_AUTHENTICATED'
    ? 'Sign in: licet self sign-in, or set a token: licet context token <file>, or LICET_TOKEN.'
    : undefined;

function exitCodeOf(status: number): ExitCode {
  if (status === 401 || status === 403) return EXIT.notAllowed;
  if (status === 429 || status === 503) return EXIT.temporary;
  return status < 500 ? EXIT.refused : EXIT.unknown;
}

function jsonOf({ headers, body }: HttpAnswer): unknown {
  if (body.length === 0) return undefined;
  const type = headers['content-type'] ?? '';
  if (!/^application\/(?:problem\+)?json\b/.test(type)) return undefined;
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    throw new CliError(EXIT.unknown, 'ANSWER_STRANGE', 'The server answered something that is not JSON.');
  }
}
