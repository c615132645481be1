import type { DerReader, PathStep } from '../der/reader.ts';
import { Tag } from '../der/tags.ts';
import { DerWriter } from '../der/writer.ts';
import { OID } from '../oids.ts';
import { readGeneralizedTime, readTime, writeGeneralizedTime, writeTime } from '../time.ts';
import { extension } from './extensions/create.ts';
import { readExtensions, writeExtensions, type Draft, type ExtensionReader } from './extensions/raw.ts';
import { readGeneralNames, writeGeneralNames } from './general-name.ts';
import { reasonNumber, reasonOf } from './reason.ts';
import type { Bytes, CrlEntry, GeneralName, RawExtension, RevocationReason } from './types.ts';

type EntryExtensions = Pick<CrlEntry, 'reason' | 'invalidityDate' | 'certificateIssuer'>;
type Target = Draft<EntryExtensions>;

/** RFC 5280 §5.3. */
const KNOWN = new Map<string, ExtensionReader<Target>>([
  [OID.reasonCode, (reader, to) => (to.reason = readReason(reader, ''))],
  [OID.invalidityDate, (reader, to) => (to.invalidityDate = readGeneralizedTime(reader, ''))],
  [OID.certificateIssuer, (reader, to) => (to.certificateIssuer = readGeneralNames(reader, ''))],
]);

const NONE: EntryExtensions = { reason: undefined, invalidityDate: undefined, certificateIssuer: undefined };

/** Extensions with a reason and nothing else, as nearly every entry has them, but for the number of the reason. */
const REASON_OCTETS = [0x30, 0x0c, 0x30, 0x0a, 0x06, 0x03, 0x55, 0x1d, 0x15, 0x04, 0x03, 0x0a, 0x01] as const;
const REASON_NODES = 5;
/** By number: written, and known when they are met. */
const REASON_ONLY = Array.from({ length: 11 }, (_, number) => ({
  der: Uint8Array.of(...REASON_OCTETS, number),
  extensions: reasonOf(number) === undefined ? undefined : { ...NONE, reason: reasonOf(number) },
}));

function passReasonOnly(reader: DerReader): EntryExtensions | undefined {
  const known = REASON_ONLY[reader.bytes[reader.position + REASON_OCTETS.length] ?? -1];
  if (known?.extensions === undefined || !reader.passIf(known.der, REASON_NODES)) return undefined;
  return known.extensions;
}

/** CRLReason, RFC 5280 §5.3.1. */
export function readReason(reader: DerReader, name: PathStep): RevocationReason {
  const number = reader.enumerated(name);
  return reasonOf(number) ?? reader.fail('X509_INVALID', name, `${number} is no reason for a revocation`);
}

export function readCrlEntry(reader: DerReader, name: PathStep, version: 1 | 2): CrlEntry {
  reader.enter(Tag.SEQUENCE, name);
  const serial = reader.integer('serial');
  const revokedAt = readTime(reader, 'revokedAt');
  let extensions = NONE;
  let all: readonly RawExtension[] = [];
  if (reader.peek() !== -1) {
    // §5.1.2.1: with extensions "this field MUST be present and MUST specify version 2".
    if (version !== 2) reader.fail('X509_VERSION', 'extensions', 'stand in a CRL of version 1');
    extensions = passReasonOnly(reader) ?? NONE;
    if (extensions === NONE) {
      const target: Target = { ...NONE };
      all = readExtensions(reader, 'extensions', KNOWN, target);
      extensions = target;
    }
  }
  reader.leave();
  return {
    serial,
    revokedAt,
    reason: extensions.reason,
    invalidityDate: extensions.invalidityDate,
    certificateIssuer: extensions.certificateIssuer,
    unknownCritical: all.some(({ oid, critical }) => critical && !KNOWN.has(oid)),
  };
}

/** An entry to be written. */
export type CrlEntryFields = {
  /** Content octets of the INTEGER. */
  readonly serial: Bytes;
  readonly revokedAt: Date;
  readonly reason?: RevocationReason | undefined;
  readonly invalidityDate?: Date | undefined;
  readonly certificateIssuer?: readonly GeneralName[] | undefined;
};

export function writeCrlEntry(writer: DerWriter, entry: CrlEntryFields): void {
  writer.open(Tag.SEQUENCE).integerContent(entry.serial);
  writeTime(writer, entry.revokedAt);
  if (entry.invalidityDate !== undefined || entry.certificateIssuer !== undefined) {
    writeExtensions(writer, entryExtensions(entry));
  } else if (entry.reason !== undefined && entry.reason !== 'unspecified') {
    writer.raw(REASON_ONLY[reasonNumber(entry.reason)]!.der);
  }
  writer.close();
}

function entryExtensions({ reason, invalidityDate, certificateIssuer }: CrlEntryFields): RawExtension[] {
  const all: RawExtension[] = [];
  // §5.3.1: "the reason code CRL entry extension SHOULD be absent instead of using the unspecified (0) value".
  if (reason !== undefined && reason !== 'unspecified') all.push(extension.reasonCode(reason));
  if (invalidityDate !== undefined) {
    const writer = new DerWriter(32);
    writeGeneralizedTime(writer, invalidityDate);
    all.push({ oid: OID.invalidityDate, critical: false, value: writer.finish() });
  }
  if (certificateIssuer !== undefined) {
    const writer = new DerWriter(128);
    writeGeneralNames(writer, certificateIssuer);
    all.push({ oid: OID.certificateIssuer, critical: true, value: writer.finish() });
  }
  return all;
}
