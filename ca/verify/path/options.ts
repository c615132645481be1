import type { Certificate } from '@licet/format';
import type { TrustAnchors } from '../anchors.ts';
import type { Limits } from '../budget.ts';
import type { Code } from '../codes.ts';
import type { RequestedName } from '../names/requested.ts';
import type { Finding } from './findings.ts';
import type { PolicyOptions } from './policies.ts';
import type { Purpose } from './usage.ts';

/** All certificates and CRLs as DER. */
export type PathOptions = {
  /** Certificates that may stand between the leaf and an anchor: untrusted, in any order, more than are needed. */
  readonly intermediates: readonly Uint8Array[];
  readonly anchors: readonly Uint8Array[] | TrustAnchors;
  /** The instant for which the path must hold. */
  readonly at: Date;
  /** With CRLs given, the status of each certificate of the path must be known. */
  readonly crls?: readonly Uint8Array[];
  /** True: also with no CRL given. False: a certificate must not be revoked, but its status may be unknown. */
  readonly requireRevocation?: boolean;
  /** The leaf must be for every one of these. */
  readonly names?: readonly RequestedName[];
  readonly purpose?: Purpose;
  readonly policies?: PolicyOptions;
  /** How many intermediates are allowed; 8 when absent. */
  readonly maxDepth?: number;
  /** Accept SHA-1 and RSA from 1024 bits: for old archives only. */
  readonly allowWeakAlgorithms?: boolean;
  /** How much work the search may be; see `LIMITS`. */
  readonly limits?: Partial<Limits>;
};

export type PathResult = {
  readonly ok: boolean;
  /** What is wrong, each code once; empty when `ok`. */
  readonly codes: Code[];
  /** The leaf first, the anchor last; of a path that failed, as far as it came. */
  readonly path: Certificate[];
  /** The user-constrained policy set (RFC 5280 §6.1.5 (g)). */
  readonly policies: string[];
  /** The codes again, with where and why. */
  readonly findings: Finding[];
};

/**
 * The Web, NIST PKITS and RFC 4158 come with at most 5 intermediates, licenses with 2. 8 is also what pyca/cryptography
 * allows; each further one multiplies what a hostile set of cross-certificates can ask for.
 */
export const DEFAULT_MAX_DEPTH = 8;
