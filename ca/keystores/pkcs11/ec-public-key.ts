import { createPublicKey } from 'node:crypto';
import { CKA_EC_POINT, type Cryptoki, type Handle } from './cryptoki.ts';

/** The public key of a pair, from its public half in the token: SubjectPublicKeyInfo. */
export function ecPublicKey(
  cryptoki: Cryptoki,
  session: Handle,
  publicHalf: Handle,
  curve: 'P-256' | 'P-384',
): Uint8Array<ArrayBuffer> {
  const [point] = cryptoki.C_GetAttributeValue(session, publicHalf, [{ type: CKA_EC_POINT }]);
  // An OCTET STRING that holds 04 · x · y.
  const coordinates = point!.value.subarray(curve === 'P-256' ? -64 : -96);
  const half = coordinates.length / 2;
  const [x, y] = [coordinates.subarray(0, half), coordinates.subarray(half)].map((n) => n.toString('base64url'));
  const key = createPublicKey({ key: { kty: 'EC', crv: curve, x: x!, y: y! }, format: 'jwk' });
  return new Uint8Array(key.export({ type: 'spki', format: 'der' }));
}
