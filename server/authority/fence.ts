import { AuthorityError } from '@licet/authority';

/**
 * Closed while the database is older than the journal: then a revoked license would look good, and a signed one would
 * be unknown. Nothing is issued, revoked or changed until what is missing was put back: a site that was made meanwhile
 * would stand where one that is forgotten belongs. What only reads goes on, and so does who may ask.
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
    throw new AuthorityError('FENCED', `${this.#reason} Until then nothing is issued, revoked or changed.`);
  }
}
