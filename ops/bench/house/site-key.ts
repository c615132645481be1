import { generateKeyPairSync, sign } from 'node:crypto';
import {
  createAlgorithm,
  createName,
  encodeCertificationRequest,
  encodeCertificationRequestInfo,
  OID,
} from '@licet/format';

export type SiteKey = { readonly pem: string; readonly csr: Uint8Array };

const EMPTY_NAME = createName([]);

/** A key as a site makes one, and a request that leaves the name to the authority. */
export function makeSiteKey(): SiteKey {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const raw = publicKey.export({ type: 'spki', format: 'der' });
  const info = encodeCertificationRequestInfo({ subject: EMPTY_NAME, publicKey: { raw } });
  const signature = sign('sha256', info, privateKey);
  return {
    pem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    csr: encodeCertificationRequest(info, createAlgorithm(OID.ecdsaWithSha256), signature),
  };
}
