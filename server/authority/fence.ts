import { AuthorityError } from '@licet/authority';

/**
 * Closed while the database is older than the journal: then a revoked license would look good, and a signed one would
 * be unknown. Nothing is issued and nothing revoked until what is missing was put back. What only
 * reads goes on.
 */
export class Fence {
  #reason: string | undefined;

  get reason(): string | undefined {
    return this.#reason;
  }

  /** `reason` ends with what is to be done. */
  close(reason: string): void {
    this.#reason = reason;
  }

  open(): void {
    this.#reason = undefined;
  }

  assertOpen(): void {
    if (this.#reason === undefined) return;
    throw new AuthorityError('FENCED', `${this.#reason} Until then nothing is issued or revoked.`);
  }
}
