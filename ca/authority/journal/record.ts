import type { JournalRecord, SignatureKind } from '../ports/signer.ts';
import type { ByteReader, ByteWriter } from './binary.ts';

/** The byte that stands for each word in files and frames. A number is never used again for something else. */
const TYPES = { signature: 1, signed: 2, statements: 3, revocation: 4, key: 5 } as const;
export const KINDS = { certificate: 1, request: 2, crl: 3, ocsp: 4, manifest: 5, token: 6 } as const;
const STATEMENTS = { ocsp: KINDS.ocsp, token: KINDS.token } as const;
const KEY_EVENTS = { created: 1, bound: 2, rotated: 3, retired: 4, found: 5 } as const;
const REVOCATION_EVENTS = { revoked: 1, held: 2, reinstated: 3 } as const;

export function writeRecord(to: ByteWriter, record: JournalRecord): void {
  to.u8(TYPES[record.type]);
  switch (record.type) {
    case 'signature':
      to.u8(KINDS[record.kind]).text(record.key).bytes(record.digest);
      to.optional(record.signed, (writer, signed) => writer.bytes(signed));
      return;
    case 'signed':
      to.u64(record.of).bytes(record.signature);
      return;
    case 'statements':
      to.u8(STATEMENTS[record.kind]).text(record.key).u32(record.count);
      return;
    case 'revocation':
      to.u8(REVOCATION_EVENTS[record.event]).text(record.key).bytes(record.serial).u8(record.reason).date(record.at);
      return;
    case 'key':
      to.u8(KEY_EVENTS[record.event]).text(record.key).bytes(record.digest);
      return;
    default:
      throw new TypeError(`There is no journal line of type ${String(record satisfies never)}.`);
  }
}

export function readRecord(from: ByteReader): JournalRecord {
  const type = wordFor(TYPES, from.u8());
  switch (type) {
    case 'signature':
      return {
        type,
        kind: readKind(from),
        key: from.text(),
        digest: from.bytes(),
        signed: from.optional((reader) => reader.bytes()),
      };
    case 'signed':
      return { type, of: from.u64(), signature: from.bytes() };
    case 'statements':
      return { type, kind: wordFor(STATEMENTS, from.u8()), key: from.text(), count: from.u32() };
    case 'revocation':
      return {
        type,
        event: wordFor(REVOCATION_EVENTS, from.u8()),
        key: from.text(),
        serial: from.bytes(),
        reason: from.u8(),
        at: from.date(),
      };
    case 'key':
      return { type, event: wordFor(KEY_EVENTS, from.u8()), key: from.text(), digest: from.bytes() };
    default:
      throw new TypeError(`There is no journal line of type ${String(type satisfies never)}.`);
  }
}

export function readKind(from: ByteReader): SignatureKind {
  return wordFor(KINDS, from.u8());
}

/** Default deny: a number that stands for nothing is refused, not passed on. */
export function wordFor<Word extends string>(words: Readonly<Record<Word, number>>, value: number): Word {
  for (const word in words) if (words[word] === value) return word;
  throw new RangeError(`The byte ${value} stands for none of ${Object.keys(words).join(', ')}.`);
}
