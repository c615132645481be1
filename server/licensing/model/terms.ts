import type { Degrade, Limit, Mode, Reporting, Tier } from '@licet/format';

/** What is sold, in the words of the claims: the body of a plan and of a contract. */
export type Terms = {
  readonly tier: Tier;
  /** `product` or `product/feature`, sorted. */
  readonly features: readonly string[];
  readonly limits: readonly Limit[];
  /** How many live sites of each mode; a mode without an entry is not sold. */
  readonly siteCaps: Readonly<Partial<Record<Mode, number | 'unlimited'>>>;
  /** Whether a site may change its mode without a new order. */
  readonly modeChanges: boolean;
  readonly graceSeconds: number;
  readonly contactSeconds: number;
  readonly degrade: Degrade;
  readonly reporting: Reporting | undefined;
  /** Fingerprints that each site must be bound to at the least; 0: none. */
  readonly bindingNeed: number;
};
