import { verify } from 'node:crypto';
import {
  type AlgorithmIdentifier,
  type Bytes,
  encodePem,
  equalBytes,
  fromHex,
  keyKind,
  type KeyKind,
  OID,
  type PublicKeyInfo,
} from '@licet/format';
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
const REQUEST_SCHEMES: Readonly<Record<string, { readonly key: string; readonly digest: string | null }>> = {
  [OID.ecdsaWithSha256]: { key: 'ec', digest: 'sha256' },
  [OID.ecdsaWithSha384]: { key: 'ec', digest: 'sha384' },
  [OID.ecdsaWithSha512]: { key: 'ec', digest: 'sha512' },
  [OID.sha256WithRsa]: { key: 'rsa', digest: 'sha256' },
  [OID.sha384WithRsa]: { key: 'rsa', digest: 'sha384' },
  [OID.sha512WithRsa]: { key: 'rsa', digest: 'sha512' },
  [OID.ed25519]: { key: 'ed25519', digest: null },
  [OID.mlDsa65]: { key: 'ml-dsa-65', digest: null },
};

const NULL = Uint8Array.of(0x05, 0x00);

/**
 * Whether the holder of the key signed these bytes. False also for a scheme that is weak, or of another kind than the key.
 * Throws for a key that cannot exist, such as a point that is not on its curve.
 */
export function isSignedBy(
  key: PublicKeyInfo,
  algorithm: AlgorithmIdentifier,
  bytes: Bytes,
  signature: Bytes,
): boolean {
  const known = REQUEST_SCHEMES[algorithm.oid];
  const kind = keyKind(key);
  if (known === undefined || kind === undefined || known.key !== exactly(kind)) return false;
  // RFC 4055 §5 wants NULL, and old tools leave it out; everything else has no parameters.
  if (algorithm.parameters !== undefined && !(known.key === 'rsa' && equalBytes(algorithm.parameters, NULL))) {
    return false;
  }
  // The key as text, read as it is used: a KeyObject costs more to make than that, and again when it is collected.
  return verify(known.digest, bytes, keyText(key), signature);
}

/** For Node. As text: to see that bytes are no KeyObject, it throws and catches four times, which takes longer than the import. */
export function keyText({ raw }: PublicKeyInfo): string {
  return encodePem('PUBLIC KEY', raw);
}

function exactly(kind: KeyKind): string {
  if (kind.kind === 'ml-dsa') return `ml-dsa-${kind.set}`;
  // RFC 4055 §1.2: a key that is marked for PSS signs nothing else.
  return kind.kind === 'rsa' && kind.pssOnly ? 'rsa-pss' : kind.kind;
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
