/**
 * What use cases throw. They know nothing of HTTP: `problem.ts` alone turns each kind into a status.
 * `code` is stable API; `message` says in one sentence what is wrong and what to do.
 */
export type ErrorKind =
  | 'invalid' // the input breaks a rule
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found' // also: belongs to somebody else
  | 'conflict' // the state of things does not allow it
  | 'stale' // the caller acted on an older version
  | 'too-many'
  | 'unavailable'; // try again later: nothing was done

export class LicetError extends Error {
  override readonly name = 'LicetError';
  readonly kind: ErrorKind;
  readonly code: string;
  /** Where in the input: a JSON pointer. */
  readonly pointer: string | undefined;
  /** `Infinity`: the same request succeeds one day, but not before a person has done something. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    kind: ErrorKind,
    code: string,
    message: string,
    more: { pointer?: string; retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.kind = kind;
    this.code = code;
    this.pointer = more.pointer;
    this.retryAfterSeconds = more.retryAfterSeconds;
  }
}

/** The link broke while COMMIT was on its way: done or not done, only asking again with the same key can tell. */
export class OutcomeUnknown extends LicetError {
  constructor(cause: unknown) {
    super(
      'unavailable',
      'OUTCOME_UNKNOWN',
      'The database link broke during commit; repeat the request with the same idempotency key.',
      {
        retryAfterSeconds: 1,
        cause,
      },
    );
  }
}
