import { type KeyObject, verify } from 'node:crypto';
import { type AlgorithmIdentifier, type Bytes, equalBytes, fromHex, OID } from '@licet/format';
import type { KeyAlgorithm } from '../ports/signer.ts';

/**
 * The whole AlgorithmIdentifier of what our keys sign with. RFC 5758 §3.2, RFC 8410 §3, RFC 9881 §2: no parameters;
 * RFC 4055 §5: NULL for RSA. The digest is as strong as the key.
 */
export const SIGNATURE_ALGORITHMS: Readonly<Record<KeyAlgorithm, Bytes>> = {
  'P-256': fromHex('300a06082a8648ce3d040302'),
  'P-384': fromHex('300a06082a8648ce3d040303'),
  'RSA-3072': fromHex('300d06092a864886f70d01010b0500'),
  Ed25519: fromHex('300506032b6570'),
  'ML-DSA-65': fromHex('300b0609608648016503040312'),
};

/** A requester may use any digest that is not broken, with a key of the right kind. */
const REQUEST_SCHEMES: Readonly<Record<string, { readonly keyType: string; readonly digest: string | null }>> = {
  [OID.ecdsaWithSha256]: { keyType: 'ec', digest: 'sha256' },
  [OID.ecdsaWithSha384]: { keyType: 'ec', digest: 'sha384' },
  [OID.ecdsaWithSha512]: { keyType: 'ec', digest: 'sha512' },
  [OID.sha256WithRsa]: { keyType: 'rsa', digest: 'sha256' },
  [OID.sha384WithRsa]: { keyType: 'rsa', digest: 'sha384' },
  [OID.sha512WithRsa]: { keyType: 'rsa', digest: 'sha512' },
  [OID.ed25519]: { keyType: 'ed25519', digest: null },
  [OID.mlDsa65]: { keyType: 'ml-dsa-65', digest: null },
};

const NULL = Uint8Array.of(0x05, 0x00);

/** Whether the holder of `key` signed these bytes. False also for a scheme that is weak, or of another kind than the key. */
export function isSignedBy(key: KeyObject, algorithm: AlgorithmIdentifier, bytes: Bytes, signature: Bytes): boolean {
  const known = REQUEST_SCHEMES[algorithm.oid];
  if (known === undefined || known.keyType !== key.asymmetricKeyType) return false;
  // RFC 4055 §5 wants NULL, and old tools leave it out; everything else has no parameters.
  if (algorithm.parameters !== undefined && !(known.keyType === 'rsa' && equalBytes(algorithm.parameters, NULL))) {
    return false;
  }
  return verify(known.digest, bytes, key, signature);
}

/**
 * A value in the form of a signature, so that what is about to be signed can be read back as a certificate before any
 * key touches it. It verifies under no key.
 */
export const PLACEHOLDERS: Readonly<Record<KeyAlgorithm, Bytes>> = {
  'P-256': fromHex('3006020101020101'),
  'P-384': fromHex('3006020101020101'),
  'RSA-3072': new Uint8Array(384),
  Ed25519: new Uint8Array(64),
  'ML-DSA-65': new Uint8Array(3309),
};
