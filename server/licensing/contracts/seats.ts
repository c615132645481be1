import type { Mode } from '@licet/format';
import { LicetError } from '../errors.ts';
import type { Site } from '../model/site.ts';
import type { Terms } from '../model/terms.ts';
import type { SeatsUsed } from '../ports/stores.ts';

export type Seat = Pick<Site, 'mode' | 'shares'>;

/** What is in the way of one more seat: the claim, and what is left of it. */
export type Shortage = {
  readonly code: string;
  readonly claim: string;
  readonly detail: string;
  readonly left: number;
};

/**
 * Everything that keeps a seat from being taken, given what the other live sites have. The caller holds the lock of the
 * contract, so what was counted stays true until the seat is taken.
 */
export function shortages(terms: Terms, used: SeatsUsed, seat: Seat): Shortage[] {
  const found: Shortage[] = [];
  const cap = capShortage(terms, used, seat.mode);
  if (cap !== undefined) found.push(cap);
  for (const [code, share] of Object.entries(seat.shares)) {
    const limit = terms.limits.find((one) => one.code === code && one.scope === 'pool');
    const claim = `limits.${code}`;
    if (limit === undefined) {
      found.push({ code: 'POOL_UNKNOWN', claim, detail: `The contract has no pool "${code}".`, left: 0 });
      continue;
    }
    if (limit.max === 'unlimited') continue;
    const left = Math.max(0, limit.max - (used.shares[code] ?? 0));
    if (share <= left) continue;
    const detail = `${share} of "${code}" are asked for, and ${left} of ${limit.max} are left in the pool.`;
    found.push({ code: 'POOL_EXHAUSTED', claim, detail, left });
  }
  return found;
}

function capShortage({ siteCaps }: Terms, { sites }: SeatsUsed, mode: Mode): Shortage | undefined {
  const cap = siteCaps[mode];
  const claim = `siteCaps.${mode}`;
  if (cap === undefined) {
    return { code: 'MODE_NOT_SOLD', claim, detail: `The contract has no ${mode} sites.`, left: 0 };
  }
  if (cap === 'unlimited' || sites[mode] < cap) return undefined;
  const detail = `All ${cap} ${mode} sites of the contract are taken; retire one or raise the contract.`;
  return { code: 'SITE_CAP_REACHED', claim, detail, left: 0 };
}

export function assertSeat(terms: Terms, used: SeatsUsed, seat: Seat): void {
  const [first] = shortages(terms, used, seat);
  if (first === undefined) return;
  const pointer = first.claim.startsWith('limits.') ? `/shares/${first.claim.slice('limits.'.length)}` : '/mode';
  throw new LicetError('conflict', first.code, first.detail, { pointer });
}
