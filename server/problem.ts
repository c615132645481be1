import { type ErrorKind, LicetError } from './licensing/errors.ts';

/** RFC 9457. `code` is stable API; `detail` is prose. */
export type Problem = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  /** Names the request, as X-Request-Id does: what to quote when asking for help. */
  readonly instance: string;
  readonly errors?: readonly InputError[];
};

export type InputError = { readonly pointer: string; readonly detail: string };

export type ProblemAnswer = {
  readonly problem: Problem;
  readonly headers: Readonly<Record<string, string>>;
  /** Nobody foresaw this error: the log needs the whole of it, the client learns nothing of it. */
  readonly isDefect: boolean;
};

/** A refusal that only HTTP knows: no use case is concerned. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly errors: readonly InputError[];

  constructor(
    status: number,
    code: string,
    message: string,
    more: { headers?: Record<string, string>; errors?: readonly InputError[] } = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = more.headers ?? {};
    this.errors = more.errors ?? [];
  }
}

export const PROBLEM_TYPE = 'application/problem+json';

const STATUS: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  stale: 412,
  'too-many': 429,
  unavailable: 503,
};

const TITLES: Readonly<Record<number, string>> = {
  400: 'The request is not valid',
  401: 'Who is asking is not known',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Method not allowed here',
  406: 'No acceptable form of the answer',
  408: 'The request took too long',
  409: 'Conflict with the present state',
  412: 'Changed in the meantime',
  413: 'Too large',
  414: 'The URL is too long',
  415: 'Unsupported kind of body',
  428: 'The version is missing',
  429: 'Too many requests',
  431: 'The headers are too large',
  500: 'Internal error',
  503: 'Try again later',
};

/** The one place where an error becomes an answer. */
export function problemOf(error: unknown, requestId: string): ProblemAnswer {
  const { status, code, detail, headers, errors, isDefect } = read(error);
  const problem = {
    type: `urn:licet:problem:${code.toLowerCase().replaceAll('_', '-')}`,
    title: TITLES[status] ?? 'Refused',
    status,
    detail,
    code,
    instance: `urn:licet:request:${requestId}`,
  };
  return { problem: errors.length === 0 ? problem : { ...problem, errors }, headers, isDefect };
}

type Reading = {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly errors: readonly InputError[];
  readonly isDefect: boolean;
};

function read(error: unknown): Reading {
  if (error instanceof LicetError) {
    const { kind, code, message: detail, pointer } = error;
    const errors = pointer === undefined ? [] : [{ pointer, detail }];
    return { status: STATUS[kind], code, detail, headers: headersOf(error), errors, isDefect: false };
  }
  if (error instanceof HttpError) {
    const { status, code, message: detail, headers, errors } = error;
    return { status, code, detail, headers, errors, isDefect: false };
  }
  const detail = 'Something went wrong on our side; quote the request id when you report it.';
  return { status: 500, code: 'INTERNAL', detail, headers: {}, errors: [], isDefect: true };
}

function headersOf({ kind, retryAfterSeconds }: LicetError): Record<string, string> {
  // RFC 9110 11.6.1: a 401 must carry a challenge. A handler with another scheme sets its own, which then stands.
  if (kind === 'unauthenticated') return { 'WWW-Authenticate': 'Bearer realm="licet"' };
  const waits = kind === 'unavailable' || kind === 'too-many';
  const seconds = retryAfterSeconds ?? (waits ? 5 : undefined);
  return seconds === undefined || seconds === Infinity ? {} : { 'Retry-After': String(Math.ceil(seconds)) };
}
