import type { DerReader, PathStep } from '../../der/reader.ts';
import { explicit, implicit, Tag } from '../../der/tags.ts';
import type { DerWriter } from '../../der/writer.ts';
import { readGeneralNames, writeGeneralNames } from '../general-name.ts';
import { readRdn, writeRdn } from '../name.ts';
import type { DistributionPoint, DistributionPointName, IssuingDistributionPoint, RevocationReason } from '../types.ts';

/** ReasonFlags, RFC 5280 §4.2.1.13, by number of the bit; bit 0 is named "unused" there. */
const FLAGS: readonly RevocationReason[] = [
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  'privilegeWithdrawn',
  'aACompromise',
];

/** RFC 5280 §4.2.1.13, and §4.2.1.15 for the freshest CRL. */
export function readDistributionPoints(reader: DerReader): DistributionPoint[] {
  const points: DistributionPoint[] = [];
  reader.enter(Tag.SEQUENCE, '');
  for (let i = 0; reader.peek() !== -1; i += 1) points.push(readDistributionPoint(reader, i));
  if (points.length === 0) reader.fail('X509_INVALID', '', 'is a list of distribution points without a point');
  reader.leave();
  return points;
}

function readDistributionPoint(reader: DerReader, name: PathStep): DistributionPoint {
  reader.enter(Tag.SEQUENCE, name);
  const point = readPointName(reader);
  const reasons = readReasons(reader, implicit(1));
  const crlIssuer = reader.peek() === explicit(2) ? readGeneralNames(reader, 'crlIssuer', explicit(2)) : undefined;
  // §4.2.1.13: "either distributionPoint or cRLIssuer MUST be present".
  if (point === undefined && crlIssuer === undefined)
    reader.fail('X509_INVALID', '', 'names neither a point nor an issuer');
  reader.leave();
  return { point, reasons, crlIssuer };
}

function readPointName(reader: DerReader): DistributionPointName | undefined {
  if (!reader.enterIf(explicit(0), 'point')) return undefined;
  const point: DistributionPointName =
    reader.peek() === explicit(1)
      ? { kind: 'relative', rdn: readRdn(reader, 'relative', explicit(1)) }
      : { kind: 'full', names: readGeneralNames(reader, 'full', explicit(0)) };
  reader.leave();
  return point;
}

function readReasons(reader: DerReader, tag: number): ReadonlySet<RevocationReason> | undefined {
  if (reader.peek() !== tag) return undefined;
  const mask = reader.namedBits('reasons', FLAGS.length, tag);
  return new Set(FLAGS.filter((_, bit) => mask & (1 << bit)));
}

export function writeDistributionPoints(writer: DerWriter, points: readonly DistributionPoint[]): void {
  writer.open(Tag.SEQUENCE);
  for (const { point, reasons, crlIssuer } of points) {
    writer.open(Tag.SEQUENCE);
    writePointName(writer, point);
    writeReasons(writer, reasons, implicit(1));
    if (crlIssuer !== undefined) writeGeneralNames(writer, crlIssuer, explicit(2));
    writer.close();
  }
  writer.close();
}

function writePointName(writer: DerWriter, point: DistributionPointName | undefined): void {
  if (point === undefined) return;
  writer.open(explicit(0));
  if (point.kind === 'full') writeGeneralNames(writer, point.names, explicit(0));
  else writeRdn(writer, point.rdn, explicit(1));
  writer.close();
}

function writeReasons(writer: DerWriter, reasons: ReadonlySet<RevocationReason> | undefined, tag: number): void {
  if (reasons === undefined) return;
  let mask = 0;
  for (const reason of reasons) {
    const bit = FLAGS.indexOf(reason);
    if (bit === -1) throw new RangeError(`${reason} is no reason flag`);
    mask |= 1 << bit;
  }
  writer.namedBits(mask, tag);
}

/** RFC 5280 §5.2.5. */
export function readIssuingDistributionPoint(reader: DerReader): IssuingDistributionPoint {
  reader.enter(Tag.SEQUENCE, '');
  // §5.2.5: "if all of its fields were absent or default, the encoding would be an empty sequence", which is forbidden.
  if (reader.peek() === -1) reader.fail('X509_INVALID', '', 'says nothing');
  const point = readPointName(reader);
  const onlyUserCertificates = reader.booleanDefaultFalse('onlyUserCertificates', implicit(1));
  const onlyCaCertificates = reader.booleanDefaultFalse('onlyCaCertificates', implicit(2));
  const onlySomeReasons = readReasons(reader, implicit(3));
  const indirect = reader.booleanDefaultFalse('indirect', implicit(4));
  const onlyAttributeCertificates = reader.booleanDefaultFalse('onlyAttributeCertificates', implicit(5));
  if (Number(onlyUserCertificates) + Number(onlyCaCertificates) + Number(onlyAttributeCertificates) > 1) {
    reader.fail('X509_INVALID', '', 'is for only one kind of certificate, and for only another kind as well');
  }
  reader.leave();
  return { point, onlyUserCertificates, onlyCaCertificates, onlySomeReasons, indirect, onlyAttributeCertificates };
}

export function writeIssuingDistributionPoint(writer: DerWriter, value: Partial<IssuingDistributionPoint>): void {
  writer.open(Tag.SEQUENCE);
  writePointName(writer, value.point);
  writer.booleanDefaultFalse(value.onlyUserCertificates === true, implicit(1));
  writer.booleanDefaultFalse(value.onlyCaCertificates === true, implicit(2));
  writeReasons(writer, value.onlySomeReasons, implicit(3));
  writer.booleanDefaultFalse(value.indirect === true, implicit(4));
  writer.booleanDefaultFalse(value.onlyAttributeCertificates === true, implicit(5));
  writer.close();
}
