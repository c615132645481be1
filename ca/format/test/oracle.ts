/**
 * Says of an input whether a parser treats it as it must: refuses it with a FormatError, or accepts what is canonical.
 * Canonical is judged twice: by a walk of its own that knows nothing of the reader, and by writing what was decoded.
 */
import {
  CertificateListWriter,
  decodeCertificate,
  decodeCertificateList,
  decodeCertificationRequest,
  decodeCertsOnly,
  decodeClaims,
  decodeOcspRequest,
  decodeOcspResponse,
  encodeCertificate,
  encodeCertificationRequestInfo,
  encodeCertsOnly,
  encodeClaims,
  encodeOcspError,
  encodeOcspResponse,
  encodeTbsCertificate,
  encodeTbsOcspResponse,
  equalBytes,
  extension,
  FormatError,
  OID,
  Tag,
  type Bytes,
  type CertificateExtensions,
  type CertificateList,
  type RawExtension,
} from '@licet/format';

/** A parser under test: `check` throws a FormatError for a refusal, and gives a sentence for what it wrongly accepts. */
export type Parser = { readonly name: string; readonly check: (der: Bytes) => string | undefined };

export const PARSERS: readonly Parser[] = [
  { name: 'certificate', check: checkCertificate },
  { name: 'request', check: checkRequest },
  { name: 'crl', check: checkCrl },
  { name: 'ocspRequest', check: checkOcspRequest },
  { name: 'ocspResponse', check: checkOcspResponse },
  { name: 'cms', check: checkCms },
];

/** What is wrong with the way in which `parser` treats `input`, or undefined. */
export function judge(parser: Parser, input: Bytes): { problem: string | undefined; accepted: boolean } {
  try {
    return { problem: parser.check(input), accepted: true };
  } catch (error) {
    if (error instanceof FormatError && error.path !== '') return { problem: undefined, accepted: false };
    return { problem: `threw ${String(error)}`, accepted: false };
  }
}

function checkCertificate(der: Bytes): string | undefined {
  const certificate = decodeCertificate(der);
  const { extensions } = certificate;
  if (!isCanonical(der)) return 'accepted a certificate that is no DER';
  const outer = encodeCertificate(certificate.tbs, certificate.signatureAlgorithm, certificate.signature);
  if (!equalBytes(outer, der)) return 'another outer encoding';
  const tbs = encodeTbsCertificate({ ...certificate, extensions: extensions.all });
  // One thing is read that we never write: a GeneralizedTime before 2050 (docs/divergences.md).
  if (!equalBytes(tbs, certificate.tbs) && !hasEarlyGeneralizedTime(certificate.tbs)) return 'another tbs';
  return checkExtensions(extensions);
}

const EARLY = /^(1[0-9]{3}|20[0-4][0-9])[0-9]{10}Z$/;

function hasEarlyGeneralizedTime(tbs: Bytes): boolean {
  for (let at = tbs.indexOf(Tag.GENERALIZED_TIME); at !== -1; at = tbs.indexOf(Tag.GENERALIZED_TIME, at + 1)) {
    if (EARLY.test(new TextDecoder('latin1').decode(tbs.subarray(at + 2, at + 17)))) return true;
  }
  return false;
}

/** Writes every decoded extension anew; its octets must be those that were read. */
function checkExtensions(extensions: CertificateExtensions): string | undefined {
  const written = new Map<string, RawExtension | undefined>([
    [OID.basicConstraints, extensions.basicConstraints && extension.basicConstraints(extensions.basicConstraints)],
    [OID.keyUsage, extensions.keyUsage && extension.keyUsage(extensions.keyUsage)],
    [OID.extendedKeyUsage, extensions.extendedKeyUsage && extension.extendedKeyUsage(extensions.extendedKeyUsage)],
    [OID.subjectAltName, extensions.subjectAltName && extension.subjectAltName(extensions.subjectAltName)],
    [OID.issuerAltName, extensions.issuerAltName && extension.issuerAltName(extensions.issuerAltName)],
    [OID.nameConstraints, extensions.nameConstraints && extension.nameConstraints(extensions.nameConstraints)],
    [
      OID.certificatePolicies,
      extensions.certificatePolicies && extension.certificatePolicies(extensions.certificatePolicies),
    ],
    [OID.policyMappings, extensions.policyMappings && extension.policyMappings(extensions.policyMappings)],
    [OID.policyConstraints, extensions.policyConstraints && extension.policyConstraints(extensions.policyConstraints)],
    [
      OID.crlDistributionPoints,
      extensions.crlDistributionPoints && extension.crlDistributionPoints(extensions.crlDistributionPoints),
    ],
    [OID.freshestCrl, extensions.freshestCrl && extension.freshestCrl(extensions.freshestCrl)],
    [
      OID.authorityInfoAccess,
      extensions.authorityInfoAccess && extension.authorityInfoAccess(extensions.authorityInfoAccess),
    ],
    [OID.subjectInfoAccess, extensions.subjectInfoAccess && extension.subjectInfoAccess(extensions.subjectInfoAccess)],
    [
      OID.authorityKeyIdentifier,
      extensions.authorityKeyIdentifier && extension.authorityKeyIdentifier(extensions.authorityKeyIdentifier),
    ],
    [
      OID.inhibitAnyPolicy,
      extensions.inhibitAnyPolicy === undefined ? undefined : extension.inhibitAnyPolicy(extensions.inhibitAnyPolicy),
    ],
    [
      OID.subjectKeyIdentifier,
      extensions.subjectKeyIdentifier && extension.subjectKeyIdentifier(extensions.subjectKeyIdentifier),
    ],
  ]);
  for (const { oid, value } of extensions.all) {
    const again = written.get(oid);
    if (written.has(oid) && (again === undefined || !equalBytes(again.value, value))) return `another ${oid}`;
    if (oid === OID.licenseClaims) {
      const claims = encodeClaims(decodeClaims(value));
      if (!equalBytes(claims, value)) return 'other claims';
    }
  }
  return undefined;
}

function checkRequest(der: Bytes): string | undefined {
  const request = decodeCertificationRequest(der);
  if (!isCanonical(der)) return 'accepted a request that is no DER';
  const fields = { subject: request.subject, publicKey: request.publicKey, attributes: request.attributes };
  const info = encodeCertificationRequestInfo(fields);
  // The order of attributes is not enforced (docs/divergences.md), so that only the length is compared.
  if (info.length !== request.info.length) return 'another info';
  return request.requestedExtensions === undefined ? undefined : checkExtensions(request.requestedExtensions);
}

function checkCrl(der: Bytes): string | undefined {
  const crl = decodeCertificateList(der);
  if (!isCanonical(der)) return 'accepted a CRL that is no DER';
  let count = 0;
  for (const entry of crl.entries()) {
    count += 1;
    if (entry.certificateIssuer === undefined && crl.find(entry.serial) === undefined) return 'an entry is not found';
  }
  if (count !== crl.entryCount) return 'another number of entries';
  return checkCrlExtensions(crl);
}

function checkCrlExtensions(crl: CertificateList): string | undefined {
  const { crlNumber, deltaCrlIndicator, issuingDistributionPoint, all } = crl.extensions;
  const written = new Map<string, RawExtension | undefined>([
    [OID.crlNumber, crlNumber === undefined ? undefined : extension.crlNumber(crlNumber)],
    [
      OID.deltaCrlIndicator,
      deltaCrlIndicator === undefined ? undefined : extension.deltaCrlIndicator(deltaCrlIndicator),
    ],
    [
      OID.issuingDistributionPoint,
      issuingDistributionPoint && extension.issuingDistributionPoint(issuingDistributionPoint),
    ],
  ]);
  for (const { oid, value } of all) {
    const again = written.get(oid);
    if (written.has(oid) && (again === undefined || !equalBytes(again.value, value))) return `another ${oid}`;
  }
  const head = new CertificateListWriter({ ...crl, extensions: all });
  return head.finish().length > crl.tbs.length + 4 ? 'a tbs that grew' : undefined;
}

function checkOcspRequest(der: Bytes): string | undefined {
  decodeOcspRequest(der);
  return isCanonical(der) ? undefined : 'accepted a request that is no DER';
}

function checkOcspResponse(der: Bytes): string | undefined {
  const { status, basic } = decodeOcspResponse(der);
  if (!isCanonical(der)) return 'accepted a response that is no DER';
  if (status !== 'successful') return equalBytes(encodeOcspError(status), der) ? undefined : 'another error';
  if (basic === undefined) return 'a success without an answer';
  const again = encodeOcspResponse(basic.tbs, basic.signatureAlgorithm, basic.signature, basic.certificates);
  if (!equalBytes(again, der)) return 'another response';
  const { nonce: _, ...fields } = basic;
  return equalBytes(encodeTbsOcspResponse(fields), basic.tbs) ? undefined : 'another tbs';
}

function checkCms(der: Bytes): string | undefined {
  const certificates = decodeCertsOnly(der);
  const again = encodeCertsOnly(certificates);
  // A message may hold CRLs, or an empty set of certificates, which we never write.
  if (equalBytes(again, der) || again.length < der.length) return undefined;
  return 'another message';
}

/** X.690 §10.1, §10.2: every element definite, minimal and full. Certificates inside a message are their own matter. */
function isCanonical(bytes: Bytes): boolean {
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at]!;
    const first = bytes[at + 1];
    if ((tag & 0x1f) === 0x1f || first === undefined || first === 0x80 || first > 0x84) return false;
    let start = at + 2;
    let length = first;
    if (first > 0x80) {
      length = 0;
      for (; start < at + 2 + (first & 0x7f); start += 1) length = length * 256 + (bytes[start] ?? 0);
      if (length < 0x80 || length < 256 ** ((first & 0x7f) - 1)) return false;
    }
    const end = start + length;
    if (end > bytes.length) return false;
    if (tag & 0x20 && !isCanonical(bytes.subarray(start, end))) return false;
    if (tag === Tag.INTEGER && length > 1 && bytes[start] === 0 && bytes[start + 1]! < 0x80) return false;
    if (tag === Tag.BOOLEAN && (length !== 1 || (bytes[start] !== 0 && bytes[start] !== 0xff))) return false;
    at = end;
  }
  return true;
}
