import type { RevocationReason } from '@licet/format';

/** What the evidence says of one certificate. */
export type Status =
  | { readonly kind: 'good' }
  | { readonly kind: 'revoked'; readonly revokedAt: Date; readonly reason: RevocationReason | undefined }
  /** `stale`: there is evidence, but it is out of date. */
  | { readonly kind: 'unknown'; readonly stale: boolean; readonly detail: string };
