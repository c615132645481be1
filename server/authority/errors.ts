import { AuthorityError, type AuthorityCode } from '@licet/authority';
import { type ErrorKind, LicetError } from '../licensing/errors.ts';

type Answer = {
  readonly kind: ErrorKind;
  readonly pointer?: string;
  readonly retryAfterSeconds?: number;
  /** Instead of the sentence of the error, which may name what is behind it. */
  readonly message?: string;
};

const KEY_LOST =
  'The signer does not hold the key of the CA that signs this: its file has to be put back, or the CA to be rolled over. The readiness of the server names the key.';
const SIGNER_AWAY = 'The signer cannot be used at the moment, and its log says why; ask again, with the same request.';

/**
 * What the caller, or time, can do something about. The other codes (a refusal of the signer, a failed proof, a broken
 * rule of a profile) are defects of ours: they stay as they are and become a 500 and a whole record in the log.
 */
const ANSWERS: Readonly<Partial<Record<AuthorityCode, Answer>>> = {
  SIGNER_UNAVAILABLE: { kind: 'unavailable', retryAfterSeconds: 2, message: SIGNER_AWAY },
  KEY_UNKNOWN: { kind: 'unavailable', retryAfterSeconds: 60, message: KEY_LOST },
  JOURNAL_FULL: { kind: 'unavailable', retryAfterSeconds: 30 },
  BUSY: { kind: 'unavailable', retryAfterSeconds: 2 },
  FENCED: { kind: 'unavailable', retryAfterSeconds: 60 },
  ISSUER_NOT_VALID: { kind: 'unavailable', retryAfterSeconds: 60 },
  ISSUER_ENDED: { kind: 'unavailable', retryAfterSeconds: Infinity },
  // As long as the directory of another process takes to notice.
  ISSUER_CHANGED: { kind: 'unavailable', retryAfterSeconds: 2 },
  REQUEST_PENDING: { kind: 'unavailable', retryAfterSeconds: 1 },
  RENEWAL_UNDER_WAY: { kind: 'unavailable', retryAfterSeconds: 5 },
  ENROLMENT_UNDER_WAY: { kind: 'unavailable', retryAfterSeconds: 2 },
  ALREADY_REVOKED: { kind: 'conflict' },
  NOT_HELD: { kind: 'conflict' },
  NOT_ISSUED: { kind: 'not-found' },
  ORDER_MISMATCH: { kind: 'conflict', pointer: '/order' },
  ORDER_STALE: { kind: 'conflict', retryAfterSeconds: 2 },
  CLAIMS_ABOVE_PARENT: { kind: 'conflict' },
  KEY_REUSED: { kind: 'conflict', pointer: '/csr' },
  KEY_BLOCKED: { kind: 'invalid', pointer: '/csr' },
  KEY_WEAK: { kind: 'invalid', pointer: '/csr' },
  CSR_INVALID: { kind: 'invalid', pointer: '/csr' },
  CSR_SIGNATURE: { kind: 'invalid', pointer: '/csr' },
  CSR_TOO_LARGE: { kind: 'invalid', pointer: '/csr' },
  CSR_ASKS_FOR_CA: { kind: 'invalid', pointer: '/csr' },
  NAME_INVALID: { kind: 'invalid' },
};

/** The same code, as the use cases and `problem.ts` know errors, and the same sentence if it is for everybody. */
export function asLicetError(error: unknown): unknown {
  if (!(error instanceof AuthorityError)) return error;
  const answer = ANSWERS[error.code];
  if (answer === undefined) return error;
  const { kind, message = error.message, ...more } = answer;
  return new LicetError(kind, error.code, message, { ...more, cause: error });
}

export async function translated<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw asLicetError(error);
  }
}
