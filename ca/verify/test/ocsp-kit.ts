import { createHash, sign } from 'node:crypto';
import {
  type CertStatus,
  decodeCertificate,
  encodeCertId,
  encodeOcspResponse,
  encodeTbsOcspResponse,
  fromHex,
} from '@licet/format';
import { days, enterprise, type Party, site } from './license-kit.ts';

const SHA256 = { raw: fromHex('300b0609608648016503040201') };
const ECDSA_SHA256 = { raw: fromHex('300a06082a8648ce3d040302') };
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();

/** An answer about the license of the kit, which its CA signs itself. */
export function ocspAnswer(
  status: CertStatus,
  signer: Party = enterprise,
  from: Date = days(-0.25),
  to: Date = days(0.75),
): Uint8Array {
  const cert = decodeCertificate(site.certificate);
  const issuer = decodeCertificate(enterprise.certificate);
  const certId = encodeCertId({
    hashAlgorithm: SHA256,
    issuerNameHash: sha256(cert.issuer.raw),
    issuerKeyHash: sha256(issuer.publicKey.key),
    serial: cert.serial,
  });
  const tbs = encodeTbsOcspResponse({
    responder: { byName: signer.name },
    producedAt: from,
    responses: [{ certId: { raw: certId }, status, thisUpdate: from, nextUpdate: to }],
  });
  return encodeOcspResponse(tbs, ECDSA_SHA256, sign('sha256', tbs, signer.key));
}
