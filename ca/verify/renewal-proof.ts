import { type Bytes, concatBytes, type PublicKeyInfo } from '@licet/format';
import { possessionScheme } from './possession.ts';
import { runNow, type Task } from './signatures/check.ts';
import { keyKind } from './signatures/keys.ts';

const CONTEXT = 'licet renewal v1\0';

/**
 * What the key of a license signs to be renewed where no TLS handshake shows it: the public key (SubjectPublicKeyInfo) of
 * the license to come. It is good for that one renewal only, so it may be seen by anybody. In a context of its own:
 * whoever may ask for proofs of possession must not get one of these.
 */
export function renewalMessage(publicKey: Bytes): Uint8Array<ArrayBuffer> {
  return concatBytes(new TextEncoder().encode(CONTEXT), publicKey);
}

/** Whether the holder of `key` has signed that `publicKey` takes its place. */
export function isRenewalProof(key: PublicKeyInfo, publicKey: Bytes, signature: Bytes): boolean {
  return runNow(check(key, publicKey, signature));
}

function* check(key: PublicKeyInfo, publicKey: Bytes, signature: Bytes): Task<boolean> {
  const kind = keyKind(key);
  if (kind === undefined) return false;
  return (yield { key, scheme: possessionScheme(kind), message: renewalMessage(publicKey), signature }) === 'valid';
}
