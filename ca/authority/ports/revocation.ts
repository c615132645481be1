import type { RevocationReason } from '@licet/format';

/**
 * Why a certificate is revoked for good, RFC 5280 §5.3.1. Not among them: `certificateHold`, which can be undone and is
 * an event of its own; `removeFromCRL`, which only delta CRLs know; `aACompromise`, since we have no attribute
 * authorities; and `unspecified`, which the RFC wants left out and which tells an auditor nothing.
 */
export const REVOCATION_REASONS = [
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'privilegeWithdrawn',
] as const satisfies readonly RevocationReason[];

export type FinalReason = (typeof REVOCATION_REASONS)[number];

/** A certificate's status changes by one of these. `reinstate` undoes a hold and nothing else. */
export type RevocationEvent =
  | { readonly type: 'revoke'; readonly reason: FinalReason; readonly invalidSince?: Date }
  | { readonly type: 'hold' }
  | { readonly type: 'reinstate' };

/** What is known of a certificate's status; a revocation is final. */
export type RevocationState =
  | { readonly state: 'valid' }
  | { readonly state: 'held'; readonly since: Date }
  | { readonly state: 'revoked'; readonly since: Date; readonly reason: FinalReason };

/** Which event may follow which state: what is not listed is ALREADY_REVOKED or NOT_HELD. */
export const REVOCATION_STEPS: Readonly<Record<RevocationState['state'], readonly RevocationEvent['type'][]>> = {
  valid: ['revoke', 'hold'],
  held: ['revoke', 'reinstate'],
  revoked: [],
};
