import {
  type AlgorithmIdentifier,
  FormatError,
  type HashName,
  type SignatureScheme,
  signatureScheme,
} from '@licet/format';

/**
 * How a signature is to be verified. DSA is not among the ways: FIPS 186-5 withdrew it, and its inherited parameters
 * (RFC 5280 §6.1.4 (d)) are a trap. Nor is Ed448, which most runtimes lack.
 */
export type Scheme = Exclude<SignatureScheme, { readonly kind: 'dsa' | 'ed448' }>;

/** Hashes for which collisions can be made, or nearly so (RFC 6151, RFC 6194). */
const WEAK_HASHES: ReadonlySet<HashName> = new Set(['sha1']);
const BROKEN_HASHES: ReadonlySet<HashName> = new Set(['md5']);

const HASH_OCTETS: Readonly<Partial<Record<HashName, number>>> = { sha256: 32, sha384: 48, sha512: 64 };

/** The scheme of an algorithm, or undefined when it is unknown, broken, or has not the parameters that it should. */
export function readScheme(algorithm: AlgorithmIdentifier): Scheme | undefined {
  const scheme = schemeOrUndefined(algorithm);
  if (scheme === undefined || scheme.kind === 'dsa' || scheme.kind === 'ed448') return undefined;
  if ('hash' in scheme && BROKEN_HASHES.has(scheme.hash)) return undefined;
  // RFC 4055 §3.1: "a salt length the same as the length of the hash" is typical; a shorter one weakens the proof.
  if (scheme.kind === 'rsa-pss' && !(scheme.saltLength >= (HASH_OCTETS[scheme.hash] ?? Infinity))) return undefined;
  return scheme;
}

/** Not for signatures that are to be trusted today, unless the caller says so. */
export function isWeakScheme(scheme: Scheme): boolean {
  return 'hash' in scheme && WEAK_HASHES.has(scheme.hash);
}

function schemeOrUndefined(algorithm: AlgorithmIdentifier): SignatureScheme | undefined {
  try {
    return signatureScheme(algorithm);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
