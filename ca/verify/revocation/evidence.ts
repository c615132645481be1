import type { Certificate, RevocationReason } from '@licet/format';
import type { Code } from '../codes.ts';

/** What one CRL or one OCSP response says of one certificate, after everything about it was checked. */
export type EvidenceResult = {
  /** `stale`: it would have said something, but its time is over. */
  readonly status: 'good' | 'revoked' | 'unknown' | 'stale';
  /** Empty for `good` only. */
  readonly codes: Code[];
  /** One sentence: why the status is what it is. */
  readonly detail: string;
  readonly revokedAt?: Date;
  readonly reason?: RevocationReason | undefined;
  /** From when and until when the evidence speaks. */
  readonly thisUpdate?: Date;
  readonly nextUpdate?: Date | undefined;
  /** Of a CRL: to be remembered, and given as `highestNumber` the next time. */
  readonly number?: bigint;
  /** Of an OCSP response that the issuer did not sign itself. `noCheck`: the issuer vouches for it until it expires. */
  readonly responder?: { readonly certificate: Certificate; readonly noCheck: boolean };
};

/** What of the evidence is passed on with every result. */
export type EvidenceFacts = Omit<EvidenceResult, 'status' | 'codes' | 'detail'>;

export function refuse(code: Code, detail: string, facts: EvidenceFacts = {}): EvidenceResult {
  return { ...facts, status: 'unknown', codes: [code], detail };
}

export function good(facts: EvidenceFacts): EvidenceResult {
  return { ...facts, status: 'good', codes: [], detail: 'not revoked' };
}

export function revoked(
  revokedAt: Date,
  reason: RevocationReason | undefined,
  stale: boolean,
  facts: EvidenceFacts,
): EvidenceResult {
  const codes: Code[] = [
    reason === 'certificateHold' ? 'SUSPENDED' : 'REVOKED',
    ...(stale ? ['STATUS_STALE' as const] : []),
  ];
  const detail = `revoked since ${revokedAt.toISOString()} (${reason ?? 'no reason given'})`;
  return { ...facts, status: 'revoked', codes, detail, revokedAt, reason };
}

export function stale(detail: string, facts: EvidenceFacts): EvidenceResult {
  return { ...facts, status: 'stale', codes: ['STATUS_STALE'], detail };
}
