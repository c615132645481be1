export { FormatError, type FormatCode } from './errors.ts';
export {
  compareBytes,
  concatBytes,
  equalBytes,
  fromBase64,
  fromBase64Url,
  fromHex,
  toBase64,
  toBase64Url,
  toHex,
} from './bytes.ts';
export { parseSerial, SERIAL_TEXT } from './serial.ts';
export { DerReader, type PathStep } from './der/reader.ts';
export { DerWriter } from './der/writer.ts';
export { Tag, explicit, implicit } from './der/tags.ts';
export {
  CERTIFICATE_LIMITS,
  CMS_LIMITS,
  CRL_LIMITS,
  OCSP_REQUEST_LIMITS,
  OCSP_RESPONSE_LIMITS,
  REQUEST_LIMITS,
  type DerLimits,
} from './der/limits.ts';
export { OID, oidName, type OidName } from './oids.ts';
export { NO_EXPIRY, readGeneralizedTime, readTime, writeGeneralizedTime, writeTime } from './time.ts';
export {
  decodeCertificate,
  encodeCertificate,
  encodeTbsCertificate,
  type TbsCertificateFields,
} from './x509/certificate.ts';
export {
  CertificateListWriter,
  decodeCertificateList,
  encodeCertificateList,
  encodeTbsCertificateList,
  sealCertificateList,
  type TbsCertificateListFields,
} from './x509/crl.ts';
export { CrlEntryScanner } from './x509/crl-scan.ts';
export type { CrlEntryFields } from './x509/crl-entry.ts';
export {
  decodeCertificationRequest,
  encodeCertificationRequest,
  encodeCertificationRequestInfo,
  type CertificationRequestFields,
} from './x509/csr.ts';
export {
  fingerprintsAttribute,
  fingerprintsOf,
  predecessorAttribute,
  predecessorOf,
  type Predecessor,
} from './x509/site-attributes.ts';
export { isKnownCertificateExtension } from './x509/extensions/certificate.ts';
export { isKnownCrlExtension } from './x509/extensions/crl.ts';
export { extension } from './x509/extensions/create.ts';
export { createName, decodeName, formatName, type NameAttributeInput } from './x509/name.ts';
export { decodeOcspRequest, encodeOcspRequest } from './x509/ocsp-request.ts';
export {
  decodeOcspResponse,
  encodeOcspError,
  encodeOcspResponse,
  encodeTbsOcspResponse,
  type SingleResponseFields,
  type TbsOcspResponseFields,
} from './x509/ocsp-response.ts';
export { encodeCertId, type CertIdFields } from './x509/cert-id.ts';
export { createAlgorithm, signatureScheme, type HashName, type SignatureScheme } from './x509/algorithm.ts';
export { decodePublicKey, keyKind, type CurveName, type KeyKind } from './x509/public-key.ts';
export { decodePem, encodePem, type PemBlock, type PemLabel } from './pem.ts';
export { decodeCertsOnly, encodeCertsOnly } from './cms.ts';
export type * from './x509/types.ts';
export {
  CLAIMS_LIMITS,
  compareCodes,
  DEGRADES,
  ENFORCES,
  MODES,
  SCOPES,
  type Binding,
  type Claims,
  type ClaimName,
  type Degrade,
  type Enforce,
  type Limit,
  type Mode,
  type Reporting,
  type Scope,
  type Term,
  type Tier,
} from './claims/claims.ts';
export { decodeClaims, encodeClaims } from './claims/codec.ts';
export { describe } from './claims/describe.ts';
export { emptyRights, excess, meet, type Excess } from './claims/meet.ts';
