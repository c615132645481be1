import { equalBytes } from '@licet/format';
import type { License, RenewalUse } from '../model/license.ts';

export type RenewalRequest = Pick<RenewalUse, 'request' | 'publicKey'>;

/**
 * - `begin`: nobody has renewed it; this request may, if it is the first to say so.
 * - `continue`: this very request has begun.
 * - `repeat`: it was answered; the answer may have been lost.
 * - `wait`: another request of it is under way.
 * - `fork`: another request has renewed it: two machines have the same license.
 */
export type Judgement = 'begin' | 'continue' | 'repeat' | 'wait' | 'fork';

/** A request that nothing came of for so long has died with its sender; what it had left behind is settled long since. */
export const ABANDONED_AFTER_MS = 10 * 60_000;

/**
 * The ratchet: a license has one successor. The same request again is the same machine that lost an answer, and so is
 * another request for the same new key, which was made on one machine and not copied with the license. With the key of
 * the license itself, which a clone has too, only the very same request counts as a repetition.
 */
export function judgeRenewal(
  license: Pick<License, 'publicKey' | 'renewal'>,
  asked: RenewalRequest,
  at: Date,
): Judgement {
  const { renewal } = license;
  if (renewal === undefined) return 'begin';
  if (equalBytes(renewal.request, asked.request)) return renewal.successor === undefined ? 'continue' : 'repeat';
  if (renewal.successor === undefined) {
    return at.getTime() - renewal.at.getTime() >= ABANDONED_AFTER_MS ? 'begin' : 'wait';
  }
  const sameKey = equalBytes(renewal.publicKey, asked.publicKey);
  return sameKey && !equalBytes(asked.publicKey, license.publicKey) ? 'repeat' : 'fork';
}
