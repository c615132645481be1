import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import {
  createAlgorithm,
  createName,
  encodeCertificationRequest,
  encodeCertificationRequestInfo,
  type Name,
  OID,
} from '@licet/format';

/** The key of a license. It is born here and never leaves. */
export function makeKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

export function keyToPem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

export function keyFromPem(pem: string): KeyObject {
  return createPrivateKey(pem);
}

/** Empty without a name: then the token says it, and what a request says beside that would have to be the same. */
export function subjectFor(name: string | undefined): Name {
  return createName(name === undefined ? [] : [{ type: 'commonName', value: name }]);
}

/**
 * A PKCS#10 request. The authority decides on names and rights and takes only the key from it; a renewal repeats the
 * subject of the license because RFC 7030 §4.2.2 demands it.
 */
export function makeRequest(key: KeyObject, subject: Name): Uint8Array<ArrayBuffer> {
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const info = encodeCertificationRequestInfo({ subject, publicKey: { raw: publicKey } });
  return encodeCertificationRequest(info, createAlgorithm(OID.ecdsaWithSha256), sign('sha256', info, key));
}
