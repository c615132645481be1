import type { DerReader, PathStep } from '../../der/reader.ts';
import { Tag } from '../../der/tags.ts';
import { OID } from '../../oids.ts';
import { readGeneralNames } from '../general-name.ts';
import type { Bytes, CertificateExtensions } from '../types.ts';
import { readAccess } from './access.ts';
import {
  readBasicConstraints,
  readInhibitAnyPolicy,
  readNameConstraints,
  readPolicyConstraints,
} from './constraints.ts';
import { readDistributionPoints } from './distribution-points.ts';
import { readAuthorityKeyIdentifier } from './key-identifiers.ts';
import { readExtendedKeyUsage, readKeyUsage } from './key-usage.ts';
import { readCertificatePolicies, readPolicyMappings } from './policies.ts';
import { readExtensions, type Draft, type ExtensionReader } from './raw.ts';

type Target = Draft<CertificateExtensions>;

/** RFC 5280 §4.2, one line for each extension. */
const KNOWN = new Map<string, ExtensionReader<Target>>([
  [OID.authorityKeyIdentifier, (reader, to) => (to.authorityKeyIdentifier = readAuthorityKeyIdentifier(reader))],
  [OID.subjectKeyIdentifier, (reader, to) => (to.subjectKeyIdentifier = reader.octetString(''))],
  [OID.keyUsage, (reader, to) => (to.keyUsage = readKeyUsage(reader))],
  [OID.certificatePolicies, (reader, to) => (to.certificatePolicies = readCertificatePolicies(reader))],
  [OID.policyMappings, (reader, to) => (to.policyMappings = readPolicyMappings(reader))],
  [OID.subjectAltName, (reader, to) => (to.subjectAltName = readGeneralNames(reader, ''))],
  [OID.issuerAltName, (reader, to) => (to.issuerAltName = readGeneralNames(reader, ''))],
  [OID.subjectDirectoryAttributes, (reader, to) => (to.subjectDirectoryAttributes = readAttributes(reader))],
  [OID.basicConstraints, (reader, to) => (to.basicConstraints = readBasicConstraints(reader))],
  [OID.nameConstraints, (reader, to) => (to.nameConstraints = readNameConstraints(reader))],
  [OID.policyConstraints, (reader, to) => (to.policyConstraints = readPolicyConstraints(reader))],
  [OID.extendedKeyUsage, (reader, to) => (to.extendedKeyUsage = readExtendedKeyUsage(reader))],
  [OID.crlDistributionPoints, (reader, to) => (to.crlDistributionPoints = readDistributionPoints(reader))],
  [OID.inhibitAnyPolicy, (reader, to) => (to.inhibitAnyPolicy = readInhibitAnyPolicy(reader))],
  [OID.freshestCrl, (reader, to) => (to.freshestCrl = readDistributionPoints(reader))],
  [OID.authorityInfoAccess, (reader, to) => (to.authorityInfoAccess = readAccess(reader))],
  [OID.subjectInfoAccess, (reader, to) => (to.subjectInfoAccess = readAccess(reader))],
  [OID.ocspNoCheck, (reader, to) => (to.ocspNoCheck = readPresence(reader))],
]);

export function readCertificateExtensions(reader: DerReader, name: PathStep): CertificateExtensions {
  const extensions: Target = { all: [] };
  extensions.all = readExtensions(reader, name, KNOWN, extensions);
  return extensions;
}

/** Whether this library reads the extension, so that a critical one need not be refused for being unknown. */
export function isKnownCertificateExtension(oid: string): boolean {
  return KNOWN.has(oid);
}

/** RFC 5280 §4.2.1.8: its attributes have syntaxes of their own. */
function readAttributes(reader: DerReader): Bytes {
  if (reader.peek() !== Tag.SEQUENCE) reader.fail('DER_TAG', '', 'should be a SEQUENCE of attributes');
  const attributes = reader.any('');
  if (attributes.length === 2) reader.fail('X509_INVALID', '', 'is a list of attributes without an attribute');
  return attributes;
}

function readPresence(reader: DerReader): true {
  reader.null('');
  return true;
}
