import { equalBytes, toHex } from '../bytes.ts';
import { CRL_LIMITS, type DerLimits } from '../der/limits.ts';
import { DerReader } from '../der/reader.ts';
import { explicit, Tag } from '../der/tags.ts';
import { DerWriter } from '../der/writer.ts';
import { readTime, writeTime } from '../time.ts';
import { readAlgorithm } from './algorithm.ts';
import { readCrlEntry, writeCrlEntry, type CrlEntryFields } from './crl-entry.ts';
import { CrlIndex } from './crl-index.ts';
import { readCrlExtensions } from './extensions/crl.ts';
import { writeExtensions } from './extensions/raw.ts';
import { readName } from './name.ts';
import { encodeSigned, readSignature } from './signature.ts';
import type {
  AlgorithmIdentifier,
  Bytes,
  CertificateList,
  CrlEntry,
  GeneralName,
  Name,
  RawExtension,
} from './types.ts';

const NO_ENTRIES = new Uint8Array(0);
const EMPTY: Summary = { entryCount: 0, hasUnknownCritical: false, hasCertificateIssuer: false };

/**
 * Reads a CRL, RFC 5280 §5. Every entry is checked now, none is kept. A serial that occurs twice for the issuer of the
 * CRL is refused: which of the two entries would count?
 */
export function decodeCertificateList(der: Bytes, limits: DerLimits = CRL_LIMITS): CertificateList {
  const reader = new DerReader(der, 'crl', limits);
  reader.enter(Tag.SEQUENCE, '');
  const start = reader.position;
  const { signature: inner, revoked, ...fields } = readTbs(reader);
  const tbs = reader.since(start);
  const signatureAlgorithm = readAlgorithm(reader, 'signatureAlgorithm');
  // §5.1.1.2: "MUST contain the same algorithm identifier as the signature field".
  if (!equalBytes(inner.raw, signatureAlgorithm.raw)) {
    reader.fail('X509_ALGORITHM', 'signatureAlgorithm', 'differs from the algorithm inside the signed part');
  }
  const signature = readSignature(reader, signatureAlgorithm);
  reader.leave();
  reader.finish();
  return { der, tbs, ...fields, ...revoked, signatureAlgorithm, signature };
}

type Summary = Pick<CertificateList, 'entryCount' | 'hasUnknownCritical' | 'hasCertificateIssuer'>;
type Revoked = Summary & Pick<CertificateList, 'entries' | 'find'>;
type Tbs = Omit<CertificateList, 'der' | 'tbs' | 'signatureAlgorithm' | 'signature' | keyof Revoked> & {
  signature: AlgorithmIdentifier;
  revoked: Revoked;
};

function readTbs(reader: DerReader): Tbs {
  reader.enter(Tag.SEQUENCE, 'tbs');
  const version = readVersion(reader);
  const signature = readAlgorithm(reader, 'signature');
  const issuer = readName(reader, 'issuer');
  const thisUpdate = readTime(reader, 'thisUpdate');
  const next = reader.peek();
  const nextUpdate =
    next === Tag.UTC_TIME || next === Tag.GENERALIZED_TIME ? readTime(reader, 'nextUpdate') : undefined;
  const revoked = readRevoked(reader, version, issuer);
  let extensions: CertificateList['extensions'] = { all: [] };
  if (reader.enterIf(explicit(0), 'extensions')) {
    if (version !== 2) reader.fail('X509_VERSION', '', 'stand in a CRL of version 1');
    extensions = readCrlExtensions(reader, '');
    reader.leave();
  }
  reader.leave();
  return { version, signature, issuer, thisUpdate, nextUpdate, revoked, extensions };
}

/** §5.1.2.1: present only for version 2. */
function readVersion(reader: DerReader): 1 | 2 {
  if (reader.peek() !== Tag.INTEGER) return 1;
  const version = reader.smallInteger('version', 0xff_ff_ff_ff);
  return version === 1 ? 2 : reader.fail('X509_VERSION', 'version', `is ${version + 1}, and if present it must be 2`);
}

function readRevoked(reader: DerReader, version: 1 | 2, issuer: Name): Revoked {
  if (!reader.enterIf(Tag.SEQUENCE, 'revoked')) return walker(NO_ENTRIES, version, EMPTY, undefined);
  const start = reader.position;
  const list = reader.bytes.subarray(start, reader.end);
  // §5.1.2.6: "when there are no revoked certificates, the revoked certificates list MUST be absent".
  if (list.length === 0) reader.fail('X509_INVALID', '', 'is an empty list, which must be left out');
  const own = new Positions();
  const summary = { ...EMPTY };
  let isOwn = true;
  for (; reader.peek() !== -1; summary.entryCount += 1) {
    const position = reader.position - start;
    const { certificateIssuer, unknownCritical } = readCrlEntry(reader, summary.entryCount, version);
    if (unknownCritical) summary.hasUnknownCritical = true;
    if (certificateIssuer !== undefined) {
      summary.hasCertificateIssuer = true;
      // §5.3.3: an entry without a certificate issuer has that of the entry before it, and the first one that of the CRL.
      isOwn = namesIssuer(certificateIssuer, issuer);
    }
    if (isOwn) own.push(position);
  }
  const index = CrlIndex.build(own.all(), (position) => serialAt(list, position));
  if (index === 'collisions') reader.fail('DER_LIMIT', '', 'holds serial numbers that were chosen to slow us down');
  if (!(index instanceof CrlIndex)) {
    const serial = toHex(serialAt(list, index.duplicate));
    reader.fail('X509_INVALID', '', `revokes the certificate with the serial number ${serial} twice`);
  }
  reader.leave();
  return walker(list, version, summary, index);
}

function namesIssuer(names: readonly GeneralName[], issuer: Name): boolean {
  return names.some((name) => name.kind === 'directory' && equalBytes(name.name.raw, issuer.raw));
}

function walker(list: Bytes, version: 1 | 2, summary: Summary, index: CrlIndex | undefined): Revoked {
  const { entryCount } = summary;
  return {
    ...summary,
    entries: () => walk(list, version, entryCount),
    find(serial) {
      const position = index?.find(serial) ?? -1;
      if (position === -1) return undefined;
      const reader = new DerReader(list, 'crl.tbs.revoked', CRL_LIMITS);
      reader.position = position;
      return readCrlEntry(reader, '', version);
    },
  };
}

/** Not written into the object above: V8 keeps a generator function that is made for each CRL until the next full collection. */
function* walk(list: Bytes, version: 1 | 2, entryCount: number): Generator<CrlEntry> {
  if (entryCount === 0) return;
  const reader = new DerReader(list, 'crl.tbs.revoked', CRL_LIMITS);
  let certificateIssuer: CrlEntry['certificateIssuer'];
  for (let i = 0; i < entryCount; i += 1) {
    const entry = readCrlEntry(reader, i, version);
    certificateIssuer = entry.certificateIssuer ?? certificateIssuer;
    yield certificateIssuer === entry.certificateIssuer ? entry : { ...entry, certificateIssuer };
  }
}

/** The content of the INTEGER with which the entry at `position` begins. All headers here were checked before. */
function serialAt(list: Bytes, position: number): Bytes {
  const integer = position + headerLength(list, position);
  const start = integer + headerLength(list, integer);
  let length = 0;
  if (start - integer === 2) length = list[integer + 1]!;
  else for (let at = integer + 2; at < start; at += 1) length = length * 256 + list[at]!;
  return list.subarray(start, start + length);
}

function headerLength(list: Bytes, position: number): number {
  const first = list[position + 1]!;
  return first < 0x80 ? 2 : 2 + (first & 0x7f);
}

/** A growing list of positions, four octets each. */
class Positions {
  private values = new Uint32Array(64);
  private length = 0;

  push(position: number): void {
    if (this.length === this.values.length) {
      const grown = new Uint32Array(this.length * 2);
      grown.set(this.values);
      this.values = grown;
    }
    this.values[this.length] = position;
    this.length += 1;
  }

  all(): Uint32Array {
    return this.values.subarray(0, this.length);
  }
}

/** What a new CRL, always of version 2, says beside its entries. */
export type TbsCertificateListFields = {
  readonly signatureAlgorithm: Pick<AlgorithmIdentifier, 'raw'>;
  readonly issuer: Pick<Name, 'raw'>;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  readonly extensions: readonly RawExtension[];
};

// 16 octets of serial, a time and a reason.
const TYPICAL_ENTRY = 50;

/** Left free around the signed part, so that the list can be sealed where it lies: for the header of the whole, */
const FRONT = 6;
/** and for the signature with its algorithm, of which ML-DSA-65 has the largest. */
const BACK = 4096;

/**
 * Writes the signed part of a CRL entry by entry, so that a caller with a million of them can fetch them in pages and
 * give way in between.
 */
export class CertificateListWriter {
  private readonly writer: DerWriter;
  private readonly extensions: readonly RawExtension[];
  private readonly thisUpdateAt: number;
  private entries = 0;

  constructor(fields: TbsCertificateListFields, expectedEntries = 0) {
    this.extensions = fields.extensions;
    this.writer = new DerWriter(1024 + FRONT + BACK + expectedEntries * TYPICAL_ENTRY).raw(new Uint8Array(FRONT));
    this.writer.open(Tag.SEQUENCE).integer(1);
    this.writer.raw(fields.signatureAlgorithm.raw).raw(fields.issuer.raw);
    this.thisUpdateAt = this.writer.position;
    writeTime(this.writer, fields.thisUpdate);
    if (fields.nextUpdate !== undefined) writeTime(this.writer, fields.nextUpdate);
  }

  add(entry: CrlEntryFields): void {
    if (this.entries === 0) this.writer.open(Tag.SEQUENCE);
    this.entries += 1;
    writeCrlEntry(this.writer, entry);
  }

  /** Another one than was said at first, in the same form (RFC 5280 §5.1.2.4): known when all entries are. */
  setThisUpdate(time: Date): void {
    const writer = new DerWriter(32);
    writeTime(writer, time);
    this.writer.replace(this.thisUpdateAt, writer.finish());
  }

  /** The DER of the TBSCertList: what is to be signed. There is room around it for `sealCertificateList`. */
  finish(): Uint8Array<ArrayBuffer> {
    const { writer } = this;
    if (this.entries > 0) writer.close();
    if (this.extensions.length > 0) {
      writer.open(explicit(0));
      writeExtensions(writer, this.extensions);
      writer.close();
    }
    return writer.close().raw(new Uint8Array(BACK)).finish().subarray(FRONT, -BACK);
  }
}

/**
 * Puts the signature to what a `CertificateListWriter` has finished, in the very memory where that lies: a second copy of
 * a million entries would be 50 MB. What was to be signed is used up then.
 */
export function sealCertificateList(
  tbs: Uint8Array<ArrayBuffer>,
  algorithm: Pick<AlgorithmIdentifier, 'raw'>,
  signature: Bytes,
): Uint8Array<ArrayBuffer> {
  const tail = new DerWriter(BACK).raw(algorithm.raw).bitString(signature).finish();
  const head = new DerWriter(FRONT).header(Tag.SEQUENCE, tbs.length + tail.length).finish();
  const start = tbs.byteOffset - head.length;
  const whole = new Uint8Array(tbs.buffer, start, head.length + tbs.length + tail.length);
  whole.set(head);
  whole.set(tail, head.length + tbs.length);
  return whole;
}

export function encodeTbsCertificateList(
  fields: TbsCertificateListFields,
  entries: Iterable<CrlEntryFields>,
): Uint8Array<ArrayBuffer> {
  const writer = new CertificateListWriter(fields);
  for (const entry of entries) writer.add(entry);
  return writer.finish();
}

export const encodeCertificateList = encodeSigned;
