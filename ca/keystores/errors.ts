/**
 * `unavailable`: the place does not answer, or did not do it; the same may work later. `locked`: it does not take our PIN
 * or credentials. `refused`: it understood and will not.
 */
export type KeystoreCode = 'unavailable' | 'locked' | 'refused';

export class KeystoreError extends Error {
  override readonly name = 'KeystoreError';
  readonly code: KeystoreCode;
  /** The word of the place itself, e.g. `ResourceNotFoundException`. */
  readonly reason: string | undefined;

  constructor(code: KeystoreCode, message: string, more: { cause?: unknown; reason?: string | undefined } = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.reason = more.reason;
  }
}
