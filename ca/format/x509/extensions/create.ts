import { DerWriter } from '../../der/writer.ts';
import { OID } from '../../oids.ts';
import { writeGeneralNames } from '../general-name.ts';
import type {
  Bytes,
  DistributionPoint,
  GeneralName,
  IssuingDistributionPoint,
  KeyUsageBit,
  NameConstraints,
  PolicyInformation,
  RawExtension,
  RevocationReason,
} from '../types.ts';
import { writeAccess, type AccessDescription } from './access.ts';
import {
  writeBasicConstraints,
  writeNameConstraints,
  writePolicyConstraints,
  type PolicyConstraints,
} from './constraints.ts';
import { writeDistributionPoints, writeIssuingDistributionPoint } from './distribution-points.ts';
import { writeAuthorityKeyIdentifier, type AuthorityKeyIdentifier } from './key-identifiers.ts';
import { writeExtendedKeyUsage, writeKeyUsage } from './key-usage.ts';
import { writeCertificatePolicies, writePolicyMappings, type PolicyMapping } from './policies.ts';
import { reasonNumber } from '../reason.ts';

function make(oid: string, critical: boolean, write: (writer: DerWriter) => void): RawExtension {
  const writer = new DerWriter(256);
  write(writer);
  return { oid, critical, value: writer.finish() };
}

/** Makes extensions, as critical as RFC 5280 wants each to be; where it leaves a choice there is a parameter. */
export const extension = {
  authorityKeyIdentifier: (value: Partial<AuthorityKeyIdentifier>): RawExtension =>
    make(OID.authorityKeyIdentifier, false, (to) => writeAuthorityKeyIdentifier(to, value)),

  subjectKeyIdentifier: (value: Bytes): RawExtension =>
    make(OID.subjectKeyIdentifier, false, (to) => to.octetString(value)),

  keyUsage: (usage: Iterable<KeyUsageBit>): RawExtension => make(OID.keyUsage, true, (to) => writeKeyUsage(to, usage)),

  extendedKeyUsage: (purposes: readonly string[], critical = false): RawExtension =>
    make(OID.extendedKeyUsage, critical, (to) => writeExtendedKeyUsage(to, purposes)),

  /** Critical exactly when the subject is empty, RFC 5280 §4.2.1.6. */
  subjectAltName: (names: readonly GeneralName[], critical = false): RawExtension =>
    make(OID.subjectAltName, critical, (to) => writeGeneralNames(to, names)),

  issuerAltName: (names: readonly GeneralName[]): RawExtension =>
    make(OID.issuerAltName, false, (to) => writeGeneralNames(to, names)),

  basicConstraints: (value: { ca: boolean; pathLength?: number | undefined }, critical = true): RawExtension =>
    make(OID.basicConstraints, critical, (to) => writeBasicConstraints(to, value)),

  nameConstraints: (value: Partial<NameConstraints>): RawExtension =>
    make(OID.nameConstraints, true, (to) => writeNameConstraints(to, value)),

  certificatePolicies: (policies: readonly (string | PolicyInformation)[], critical = false): RawExtension =>
    make(OID.certificatePolicies, critical, (to) => {
      writeCertificatePolicies(
        to,
        policies.map((policy) => (typeof policy === 'string' ? { oid: policy, qualifiers: [] } : policy)),
      );
    }),

  policyMappings: (mappings: readonly PolicyMapping[]): RawExtension =>
    make(OID.policyMappings, true, (to) => writePolicyMappings(to, mappings)),

  policyConstraints: (value: Partial<PolicyConstraints>): RawExtension =>
    make(OID.policyConstraints, true, (to) => writePolicyConstraints(to, value)),

  inhibitAnyPolicy: (skip: number): RawExtension => make(OID.inhibitAnyPolicy, true, (to) => to.integer(skip)),

  crlDistributionPoints: (points: readonly (string | DistributionPoint)[]): RawExtension =>
    make(OID.crlDistributionPoints, false, (to) => writeDistributionPoints(to, points.map(toPoint))),

  freshestCrl: (points: readonly (string | DistributionPoint)[]): RawExtension =>
    make(OID.freshestCrl, false, (to) => writeDistributionPoints(to, points.map(toPoint))),

  authorityInfoAccess: (access: readonly AccessDescription[]): RawExtension =>
    make(OID.authorityInfoAccess, false, (to) => writeAccess(to, access)),

  subjectInfoAccess: (access: readonly AccessDescription[]): RawExtension =>
    make(OID.subjectInfoAccess, false, (to) => writeAccess(to, access)),

  ocspNoCheck: (): RawExtension => make(OID.ocspNoCheck, false, (to) => to.null()),

  /** RFC 5280 §5.2.3. */
  crlNumber: (value: number | bigint): RawExtension => make(OID.crlNumber, false, (to) => to.integer(value)),

  /** RFC 5280 §5.2.4. */
  deltaCrlIndicator: (base: number | bigint): RawExtension =>
    make(OID.deltaCrlIndicator, true, (to) => to.integer(base)),

  /** RFC 5280 §5.2.5. */
  issuingDistributionPoint: (value: Partial<IssuingDistributionPoint>): RawExtension =>
    make(OID.issuingDistributionPoint, true, (to) => writeIssuingDistributionPoint(to, value)),

  /** RFC 5280 §5.3.1. */
  reasonCode: (reason: RevocationReason): RawExtension =>
    make(OID.reasonCode, false, (to) => to.enumerated(reasonNumber(reason))),
};

/** A text is the URI of a point that covers all reasons. */
function toPoint(point: string | DistributionPoint): DistributionPoint {
  if (typeof point !== 'string') return point;
  return {
    point: { kind: 'full', names: [{ kind: 'uri', value: point }] },
    reasons: undefined,
    crlIssuer: undefined,
  };
}
