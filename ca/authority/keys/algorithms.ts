import { createPublicKey, generateKeyPair, sign, type KeyObject, type SignKeyObjectInput } from 'node:crypto';
import { promisify } from 'node:util';
import type { SignatureForm } from '../ports/key-store.ts';
import type { KeyAlgorithm } from '../ports/signer.ts';

type AlgorithmFacts = {
  /** As strong as the key; undefined where the algorithm hashes by itself. */
  readonly digest: 'sha256' | 'sha384' | undefined;
  /** RFC 7518 §3.1, RFC 8037 §3.1, draft-ietf-cose-dilithium. */
  readonly jws: string;
  /** Signing takes so long that it goes to the thread pool; the quick ones cost less than the way there. */
  readonly isSlow: boolean;
  readonly isEcdsa: boolean;
};

/** How our keys sign; their AlgorithmIdentifiers stand in `issue/signatures.ts`. */
export const ALGORITHMS: Readonly<Record<KeyAlgorithm, AlgorithmFacts>> = {
  'P-256': { digest: 'sha256', jws: 'ES256', isSlow: false, isEcdsa: true },
  'P-384': { digest: 'sha384', jws: 'ES384', isSlow: true, isEcdsa: true },
  'RSA-3072': { digest: 'sha256', jws: 'RS256', isSlow: true, isEcdsa: false },
  Ed25519: { digest: undefined, jws: 'EdDSA', isSlow: false, isEcdsa: false },
  'ML-DSA-65': { digest: undefined, jws: 'ML-DSA-65', isSlow: true, isEcdsa: false },
};

const generate = promisify(generateKeyPair);
const signInPool = promisify(sign);

export async function generateKey(algorithm: KeyAlgorithm): Promise<KeyObject> {
  switch (algorithm) {
    case 'P-256':
    case 'P-384':
      return (await generate('ec', { namedCurve: algorithm })).privateKey;
    case 'RSA-3072':
      return (await generate('rsa', { modulusLength: 3072, publicExponent: 0x10001 })).privateKey;
    case 'Ed25519':
      return (await generate('ed25519')).privateKey;
    case 'ML-DSA-65':
      return (await generate('ml-dsa-65')).privateKey;
    default:
      throw new TypeError(`There is no key algorithm ${String(algorithm satisfies never)}.`);
  }
}

export function publicKeyOf(key: KeyObject): Uint8Array {
  return new Uint8Array(createPublicKey(key).export({ type: 'spki', format: 'der' }));
}

export function signWith(
  key: KeyObject,
  algorithm: KeyAlgorithm,
  bytes: Uint8Array,
  form: SignatureForm,
): Uint8Array | Promise<Uint8Array> {
  const { digest, isSlow, isEcdsa } = ALGORITHMS[algorithm];
  const input: KeyObject | SignKeyObjectInput = isEcdsa && form === 'jws' ? { key, dsaEncoding: 'ieee-p1363' } : key;
  return isSlow ? signInPool(digest, bytes, input) : sign(digest, bytes, input);
}
