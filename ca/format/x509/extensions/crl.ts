import type { DerReader, PathStep } from '../../der/reader.ts';
import { OID } from '../../oids.ts';
import { readGeneralNames } from '../general-name.ts';
import type { CertificateList } from '../types.ts';
import { readAccess } from './access.ts';
import { readDistributionPoints, readIssuingDistributionPoint } from './distribution-points.ts';
import { readAuthorityKeyIdentifier } from './key-identifiers.ts';
import { readExtensions, type Draft, type ExtensionReader } from './raw.ts';

// RFC 5280 §5.2.3: "CRL verifiers MUST be able to handle CRLNumber values up to 20 octets".
const CRL_NUMBER_OCTETS = 20;

type CrlExtensions = CertificateList['extensions'];
type Target = Draft<CrlExtensions>;

/** RFC 5280 §5.2, one line for each extension. */
const KNOWN = new Map<string, ExtensionReader<Target>>([
  [OID.authorityKeyIdentifier, (reader, to) => (to.authorityKeyIdentifier = readAuthorityKeyIdentifier(reader))],
  [OID.issuerAltName, (reader, to) => (to.issuerAltName = readGeneralNames(reader, ''))],
  [OID.crlNumber, (reader, to) => (to.crlNumber = reader.bigInteger('', CRL_NUMBER_OCTETS))],
  [OID.deltaCrlIndicator, (reader, to) => (to.deltaCrlIndicator = reader.bigInteger('', CRL_NUMBER_OCTETS))],
  [OID.issuingDistributionPoint, (reader, to) => (to.issuingDistributionPoint = readIssuingDistributionPoint(reader))],
  [OID.freshestCrl, (reader, to) => (to.freshestCrl = readDistributionPoints(reader))],
  [OID.authorityInfoAccess, (reader, to) => (to.authorityInfoAccess = readAccess(reader))],
]);

export function readCrlExtensions(reader: DerReader, name: PathStep): CrlExtensions {
  const extensions: Target = { all: [] };
  extensions.all = readExtensions(reader, name, KNOWN, extensions);
  return extensions;
}

/** Whether this library reads the extension of a CRL. RFC 5280 §5.2: with another one that is critical it is of no use. */
export function isKnownCrlExtension(oid: string): boolean {
  return KNOWN.has(oid);
}
