/** Why bytes were refused. Codes are API: they never change their meaning, and each has a test that provokes it. */
export type FormatCode =
  | 'DER_TRUNCATED' // an element claims more bytes than there are
  | 'DER_TRAILING' // bytes after the last element
  | 'DER_LENGTH' // indefinite, non-minimal or oversized length
  | 'DER_TAG' // another tag than the syntax demands, or a tag form that DER or our limits forbid
  | 'DER_VALUE' // a primitive whose content is not canonical DER
  | 'DER_LIMIT' // deeper, longer or more elements than we accept
  | 'TEXT_INVALID' // text that is no hexadecimal or base64 form of bytes
  | 'PEM_INVALID'
  | 'X509_INVALID' // well-formed DER that breaks a rule of RFC 5280, 2986 or 6960
  | 'X509_VERSION'
  | 'X509_DUPLICATE_EXTENSION'
  | 'X509_NAME'
  | 'X509_ALGORITHM'
  | 'X509_SIGNATURE' // a signature value in non-canonical form
  | 'CMS_INVALID'
  | 'CLAIMS_INVALID'
  | 'CLAIMS_VERSION'
  | 'CLAIMS_LIMIT';

/** Bytes that are not what they claim to be. `path` names the offending element, e.g. `certificate.tbs.extensions[2].value`. */
export class FormatError extends Error {
  override readonly name = 'FormatError';
  readonly code: FormatCode;
  readonly path: string;

  constructor(code: FormatCode, path: string, message: string) {
    super(path === '' ? message : `${path}: ${message}`);
    this.code = code;
    this.path = path;
  }
}
