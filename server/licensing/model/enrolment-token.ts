import type { Mode } from '@licet/format';

/** The right to one first license, for whoever shows it. Only its hash is kept. */
export type EnrolmentToken = {
  readonly id: string;
  readonly organization: string;
  /** SHA-256 of the token. */
  readonly hash: Uint8Array;
  readonly enterprise: string;
  readonly contract: string;
  readonly mode: Mode;
  /** The only name that the site may have. */
  readonly name: string | undefined;
  /** Digest of a fingerprint that the machine must have, salted with the token's id. */
  readonly fingerprint: string | undefined;
  /** The site that it is for; one without a site makes its site when it is used. */
  readonly site: string | undefined;
  /** The lineage that it began. */
  readonly lineage: string | undefined;
  /**
   * SHA-256 of the public key that it was used with: who lost the answer may come again. Not of the request: one that is
   * bound to its TLS session (RFC 7030 §3.5) is another in the next.
   */
  readonly key: Uint8Array | undefined;
  /** Whether a person has to agree to what the token is used for; undefined: nobody has to. */
  readonly approval: 'needed' | 'given' | 'declined' | undefined;
  readonly decidedBy: string | undefined;
  /** What the person is asked about. The token is for this key from now on. */
  readonly asked: AskedEnrolment | undefined;
  readonly expiresAt: Date;
  readonly usedAt: Date | undefined;
  readonly withdrawnAt: Date | undefined;
  readonly createdAt: Date;
  readonly createdBy: string;
};

export type AskedEnrolment = {
  /** SHA-256 of the public key: what the people at both ends can compare over the telephone. */
  readonly key: Uint8Array;
  /** How the site wants to be called. */
  readonly name: string | undefined;
  readonly at: Date;
};

export const ENROLMENT_STATUSES = ['open', 'waiting', 'approved', 'declined', 'used', 'withdrawn', 'expired'] as const;

/** Where the token stands, for people. */
export function enrolmentStatus(token: EnrolmentToken, at: Date): (typeof ENROLMENT_STATUSES)[number] {
  if (token.key !== undefined) return 'used';
  if (token.withdrawnAt !== undefined) return 'withdrawn';
  if (token.approval === 'declined') return 'declined';
  if (token.asked !== undefined) return token.approval === 'given' ? 'approved' : 'waiting';
  return at >= token.expiresAt ? 'expired' : 'open';
}
