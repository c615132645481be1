import type { DerReader, PathStep } from '../der/reader.ts';
import { explicit, implicit, Tag } from '../der/tags.ts';
import type { DerWriter } from '../der/writer.ts';
import { readName } from './name.ts';
import { readIa5, writeIa5 } from './text.ts';
import type { Bytes, GeneralName } from './types.ts';

/** Where a name stands decides the length of an IP address: alone, or with a mask in a name constraint. */
export type GeneralNameUse = 'name' | 'constraint';

/** GeneralNames ::= SEQUENCE SIZE (1..MAX) OF GeneralName, RFC 5280 §4.2.1.6. */
export function readGeneralNames(reader: DerReader, name: PathStep, tag: number = Tag.SEQUENCE): GeneralName[] {
  const names: GeneralName[] = [];
  reader.enter(tag, name);
  for (let i = 0; reader.peek() !== -1; i += 1) names.push(readGeneralName(reader, i));
  if (names.length === 0) reader.fail('X509_INVALID', '', 'is a list of names without a name');
  reader.leave();
  return names;
}

export function readGeneralName(reader: DerReader, name: PathStep, use: GeneralNameUse = 'name'): GeneralName {
  const tag = reader.peek();
  switch (tag) {
    case explicit(0):
      return readOtherName(reader, name);
    case implicit(1):
      return { kind: 'email', value: readIa5(reader, name, tag) };
    case implicit(2):
      return { kind: 'dns', value: readIa5(reader, name, tag) };
    case explicit(3):
      return { kind: 'x400', value: reader.any(name) };
    case explicit(4):
      return readDirectoryName(reader, name);
    case explicit(5):
      return { kind: 'edi', value: reader.any(name) };
    case implicit(6):
      return { kind: 'uri', value: readIa5(reader, name, tag) };
    case implicit(7):
      return { kind: 'ip', bytes: readIp(reader, name, use) };
    case implicit(8):
      return { kind: 'registeredId', oid: reader.oid(name, tag) };
    default:
      return reader.fail('DER_TAG', name, 'is none of the nine forms of a GeneralName');
  }
}

function readOtherName(reader: DerReader, name: PathStep): GeneralName {
  reader.enter(explicit(0), name);
  const oid = reader.oid('type');
  reader.enter(explicit(0), 'value');
  const value = reader.any('');
  reader.leave();
  reader.leave();
  return { kind: 'other', oid, value };
}

function readDirectoryName(reader: DerReader, at: PathStep): GeneralName {
  reader.enter(explicit(4), at);
  const name = readName(reader, '');
  reader.leave();
  return { kind: 'directory', name };
}

/** RFC 5280 §4.2.1.6: 4 or 16 octets; §4.2.1.10: 8 or 32, address and mask in the style of RFC 4632. */
function readIp(reader: DerReader, name: PathStep, use: GeneralNameUse): Bytes {
  const bytes = reader.content(implicit(7), name);
  const octets = use === 'name' ? bytes.length : bytes.length / 2;
  if (octets !== 4 && octets !== 16) {
    reader.fail('X509_INVALID', name, `is an IP address of ${bytes.length} octets`);
  }
  if (use === 'constraint' && !isContiguous(bytes.subarray(octets))) {
    reader.fail('X509_INVALID', name, 'has a mask whose ones do not stand together at its beginning');
  }
  return bytes;
}

function isContiguous(mask: Bytes): boolean {
  let ended = false;
  for (const octet of mask) {
    if (ended && octet !== 0) return false;
    if (octet === 0xff) continue;
    // The ones come first exactly when the complement is one below a power of two.
    const zeros = ~octet & 0xff;
    if (zeros & (zeros + 1)) return false;
    ended = true;
  }
  return true;
}

export function writeGeneralNames(writer: DerWriter, names: readonly GeneralName[], tag: number = Tag.SEQUENCE): void {
  writer.open(tag);
  for (const name of names) writeGeneralName(writer, name);
  writer.close();
}

export function writeGeneralName(writer: DerWriter, name: GeneralName): void {
  switch (name.kind) {
    case 'other':
      writer.open(explicit(0)).oid(name.oid).open(explicit(0)).raw(name.value).close().close();
      return;
    case 'email':
      writeIa5(writer, name.value, implicit(1));
      return;
    case 'dns':
      writeIa5(writer, name.value, implicit(2));
      return;
    case 'x400':
    case 'edi':
      writer.raw(name.value);
      return;
    case 'directory':
      writer.open(explicit(4)).raw(name.name.raw).close();
      return;
    case 'uri':
      writeIa5(writer, name.value, implicit(6));
      return;
    case 'ip':
      writer.primitive(implicit(7), name.bytes);
      return;
    case 'registeredId':
      writer.oid(name.oid, implicit(8));
  }
}
