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
export { DerReader, type PathStep } from './der/reader.ts';
export { DerWriter } from './der/writer.ts';
export { Tag, explicit, implicit } from './der/tags.ts';
export type { DerLimits } from './der/limits.ts';
export { OID, oidName, type OidName } from './oids.ts';
export { NO_EXPIRY, readGeneralizedTime, readTime, writeGeneralizedTime, writeTime } from './time.ts';
export {
  decodeCertificate,
  encodeCertificate,
  encodeTbsCertificate,
  type TbsCertificateFields,
} from './x509/certificate.ts';
export { isKnownCertificateExtension } from './x509/extensions/certificate.ts';
export { extension } from './x509/extensions/create.ts';
export { createName, decodeName, formatName, type NameAttributeInput } from './x509/name.ts';
export type * from './x509/types.ts';
