/** What a reader puts up with before it has seen a single signature. All work is linear in `size`, so these bound it. */
export type DerLimits = {
  /** Bytes of the whole input. */
  readonly size: number;
  /** Elements inside elements. */
  readonly depth: number;
  /** Elements in all. */
  readonly nodes: number;
};

const KIB = 1024;
const MIB = 1024 * KIB;

// A general name of a distribution point of a certificate stands 13 deep; a qualifier or an other-name may add its own.
const DEPTH = 24;

/**
 * Ours take 1 KiB, the largest of the public test corpora (thousands of names, made to exhaust a verifier) stay below
 * 200 KiB, and a TLS stack refuses a chain above 100 KiB. An element of a real certificate takes 8 bytes or more.
 */
export const CERTIFICATE_LIMITS: DerLimits = { size: 256 * KIB, depth: DEPTH, nodes: 32_768 };

/** A request carries one key, one name and some extensions, and arrives from anyone. */
export const REQUEST_LIMITS: DerLimits = { size: 64 * KIB, depth: DEPTH, nodes: 8_192 };

/** A million entries take 40 MB and five to eight elements each. */
export const CRL_LIMITS: DerLimits = { size: 128 * MIB, depth: DEPTH, nodes: 16_000_000 };

/** RFC 6960 lets a client ask for many certificates in one request, which hardly anyone does. */
export const OCSP_REQUEST_LIMITS: DerLimits = { size: 64 * KIB, depth: DEPTH, nodes: 8_192 };

/** Answers plus the certificates of the responder. */
export const OCSP_RESPONSE_LIMITS: DerLimits = { size: 1 * MIB, depth: DEPTH, nodes: 65_536 };

/** A bundle of certificates; these are cut out here and counted again when each of them is decoded. */
export const CMS_LIMITS: DerLimits = { size: 4 * MIB, depth: DEPTH, nodes: 16_384 };
