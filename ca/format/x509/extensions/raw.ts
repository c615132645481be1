import type { DerReader, PathStep } from '../../der/reader.ts';
import { Tag } from '../../der/tags.ts';
import type { DerWriter } from '../../der/writer.ts';
import type { RawExtension } from '../types.ts';

// The richest certificates in use hold about twenty. The bound keeps the search for duplicates cheap.
const MAX_EXTENSIONS = 128;

/** Reads the value of one known extension, the content of its OCTET STRING, into `target`. */
export type ExtensionReader<T> = (reader: DerReader, target: T) => void;

/** `-readonly` while a value is being built. */
export type Draft<T> = { -readonly [K in keyof T]: T[K] };

/**
 * Extensions ::= SEQUENCE SIZE (1..MAX) OF Extension (RFC 5280 §4.1.2.9), each at most once (§4.2). Values of known
 * extensions are read by `known`; those of others stay opaque.
 */
export function readExtensions<T>(
  reader: DerReader,
  name: PathStep,
  known: ReadonlyMap<string, ExtensionReader<T>>,
  target: T,
): RawExtension[] {
  const all: RawExtension[] = [];
  reader.enter(Tag.SEQUENCE, name);
  for (let i = 0; reader.peek() !== -1; i += 1) {
    if (i === MAX_EXTENSIONS) reader.fail('DER_LIMIT', i, `is one more than ${MAX_EXTENSIONS} extensions`);
    all.push(readExtension(reader, i, all, known, target));
  }
  if (all.length === 0) reader.fail('X509_INVALID', '', 'is a list of extensions without an extension');
  reader.leave();
  return all;
}

function readExtension<T>(
  reader: DerReader,
  index: number,
  before: readonly RawExtension[],
  known: ReadonlyMap<string, ExtensionReader<T>>,
  target: T,
): RawExtension {
  reader.enter(Tag.SEQUENCE, index);
  const oid = reader.oid('id');
  for (const other of before) {
    if (other.oid === oid) reader.fail('X509_DUPLICATE_EXTENSION', 'id', `${oid} occurs twice`);
  }
  const critical = reader.booleanDefaultFalse('critical');
  reader.enter(Tag.OCTET_STRING, 'value');
  const value = reader.bytes.subarray(reader.position, reader.end);
  const read = known.get(oid);
  if (read === undefined) reader.position = reader.end;
  else read(reader, target);
  reader.leave();
  reader.leave();
  return { oid, critical, value };
}

export function writeExtensions(writer: DerWriter, extensions: readonly RawExtension[]): void {
  writer.open(Tag.SEQUENCE);
  for (const { oid, critical, value } of extensions) {
    writer.open(Tag.SEQUENCE).oid(oid).booleanDefaultFalse(critical).octetString(value).close();
  }
  writer.close();
}
