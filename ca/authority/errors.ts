/** Why the authority did not do what it was asked. Codes are API. */
export type AuthorityCode =
  | 'SIGNER_REFUSED'
  | 'SIGNER_UNAVAILABLE'
  | 'JOURNAL_CORRUPT'
  | 'JOURNAL_LOST' // there are keys, and nothing that says what they signed
  | 'JOURNAL_FULL'
  | 'KEY_UNKNOWN'
  | 'KEY_LOCKED' // wrong passphrase or share
  | 'KEY_CORRUPT' // the stored key does not belong where it lies, or was changed
  | 'KEY_WEAK'
  | 'KEY_BLOCKED'
  | 'KEY_REUSED'
  | 'CSR_INVALID'
  | 'NAME_INVALID'
  | 'CSR_SIGNATURE'
  | 'CSR_TOO_LARGE'
  | 'CSR_ASKS_FOR_CA'
  | 'PROFILE_INVALID'
  | 'LINT_FAILED'
  | 'CLAIMS_ABOVE_PARENT'
  | 'ISSUER_NOT_VALID'
  | 'ISSUER_ENDED' // a CA above is over: no time brings it back, another has to take its place
  | 'ISSUER_CHANGED' // it was certified anew meanwhile: ask again in a moment
  | 'TICKET_USED'
  | 'REQUEST_PENDING' // the same request is under way in another process: ask again in a moment
  | 'RENEWAL_UNDER_WAY' // another request renews the same license: ask again in a moment
  | 'ENROLMENT_UNDER_WAY' // another request is for the first license of the same lineage: ask again in a moment
  | 'SERIAL_TAKEN' // the source of randomness repeats itself: nothing may be issued until it is replaced
  | 'BUSY' // the queue is full: nothing was done, ask again later
  | 'PROOF_FAILED'
  | 'FENCED'
  | 'ALREADY_REVOKED'
  | 'NOT_ISSUED'
  | 'NOT_HELD'
  | 'CRL_REFUSED'
  | 'ORDER_STALE' // another process carries the same order out
  | 'ORDER_MISMATCH' // an order of this id was over something else
  | 'SHARE_WRONG'
  | 'SHARE_MISSING'
  | 'CEREMONY_INVALID'
  | 'TRANSCRIPT_MISMATCH';

/** `details` names each single thing that is wrong, e.g. every claim above the parent. */
export class AuthorityError extends Error {
  override readonly name = 'AuthorityError';
  readonly code: AuthorityCode;
  readonly details: readonly string[];

  constructor(code: AuthorityCode, message: string, more: { details?: readonly string[]; cause?: unknown } = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.details = more.details ?? [];
  }
}
