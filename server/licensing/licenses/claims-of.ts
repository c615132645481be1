import { type Claims, decodeCertificate, decodeClaims, OID } from '@licet/format';
import { LicetError } from '../errors.ts';

/** What a certificate of ours says. */
export function claimsOf(certificate: Uint8Array): Claims {
  const { extensions } = decodeCertificate(certificate);
  const extension = extensions.all.find(({ oid }) => oid === OID.licenseClaims);
  if (extension !== undefined) return decodeClaims(extension.value);
  throw new LicetError('invalid', 'CLAIMS_MISSING', 'This certificate carries no claims, so it is no license.');
}
