import type { KeyUsageBit } from '@licet/format';
import type { KeyAlgorithm, KeyPurpose } from '../ports/signer.ts';

export const DAY = 86_400;
/** Of 365.25 days, so that twenty of them end on the day that they began. */
export const YEAR = 365.25 * DAY;

export type ProfileName =
  'root' | 'link' | 'organization' | 'enterprise' | 'site' | 'service-ca' | 'service' | 'ocsp' | 'manifest';

/** Everything that is the same for all certificates of one kind. What varies is in the request. */
export type Profile = {
  readonly name: ProfileName;
  /** The purposes of the keys that sign it; a root signs itself. */
  readonly issuers: readonly KeyPurpose[];
  /** The longest time from notBefore to notAfter, both included (RFC 5280 §4.1.2.5), in seconds. */
  readonly lifetime: number;
  /** Of a CA; `undefined` makes it no CA. */
  readonly pathLength: number | undefined;
  readonly keyUsage: readonly KeyUsageBit[];
  /** None for a CA: verifiers nest them, so a CA would have to list what all below may do. */
  readonly extendedKeyUsage: { readonly critical: boolean; readonly purposes: readonly string[] } | undefined;
  readonly policies: readonly string[];
  /** Whether the subject names an enterprise (OU) between the organization (O) and the common name. */
  readonly enterprise: 'none' | 'required' | 'as issuer';
  readonly alternativeNames: 'none' | 'license' | 'hosts';
  /** `subtree`: only names below its own enterprise. */
  readonly nameConstraints: 'none' | 'subtree';
  readonly claims: 'required' | 'none';
  /** Where to ask whether it is revoked: at its issuer's addresses, nowhere because it is short-lived, or nowhere at all. */
  readonly revocation: 'pointers' | 'nocheck' | 'none';
  readonly subjectKeys: readonly KeyAlgorithm[];
  /** The shortest RSA modulus. Longer than 8192 is refused for all: verifying must stay cheap. */
  readonly rsaBits: number;
};

export const ALL_ALGORITHMS: readonly KeyAlgorithm[] = ['P-256', 'P-384', 'RSA-3072', 'Ed25519', 'ML-DSA-65'];
