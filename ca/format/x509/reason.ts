import type { RevocationReason } from './types.ts';

/** CRLReason, RFC 5280 §5.3.1, by number; 7 is not used. */
const REASONS: readonly (RevocationReason | undefined)[] = [
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  undefined,
  'removeFromCRL',
  'privilegeWithdrawn',
  'aACompromise',
];

export function reasonOf(number: number): RevocationReason | undefined {
  return REASONS[number];
}

export function reasonNumber(reason: RevocationReason): number {
  return REASONS.indexOf(reason);
}
