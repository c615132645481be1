import { AuthorityError } from '../../errors.ts';

/** A key that comes back (the right folder, the right token) signs again after this. */
const AGAIN_MS = 5 * 60_000;

export const isKeyLost = (error: unknown): boolean => error instanceof AuthorityError && error.code === 'KEY_UNKNOWN';

/**
 * The issuers that the signer has no key of, as far as this process has met them. Nothing but a retirement ends their
 * lists, and to try those each minute says again and again what is known, until nobody hears a refusal that is new.
 */
export class LostIssuers {
  readonly #triedAt = new Map<string, number>();

  isLeftAlone(issuer: string, now: Date): boolean {
    const at = this.#triedAt.get(issuer);
    // In both directions: a clock that was ahead must not leave it alone for longer.
    return at !== undefined && Math.abs(now.getTime() - at) < AGAIN_MS;
  }

  lost(issuer: string, now: Date): 'new' | 'known' {
    const isKnown = this.#triedAt.has(issuer);
    this.#triedAt.set(issuer, now.getTime());
    return isKnown ? 'known' : 'new';
  }

  found(issuer: string): void {
    this.#triedAt.delete(issuer);
  }
}
