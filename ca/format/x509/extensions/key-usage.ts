import type { DerReader } from '../../der/reader.ts';
import { Tag } from '../../der/tags.ts';
import type { DerWriter } from '../../der/writer.ts';
import type { KeyUsageBit } from '../types.ts';

/** RFC 5280 §4.2.1.3, by number of the bit. */
const BITS: readonly KeyUsageBit[] = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
];

export function readKeyUsage(reader: DerReader): ReadonlySet<KeyUsageBit> {
  const mask = reader.namedBits('', BITS.length);
  // §4.2.1.3: "at least one of the bits MUST be set to 1".
  if (mask === 0) reader.fail('X509_INVALID', '', 'is a key usage that allows nothing');
  const usage = new Set<KeyUsageBit>();
  for (let bit = 0; bit < BITS.length; bit += 1) if (mask & (1 << bit)) usage.add(BITS[bit]!);
  return usage;
}

export function writeKeyUsage(writer: DerWriter, usage: Iterable<KeyUsageBit>): void {
  let mask = 0;
  for (const bit of usage) mask |= 1 << BITS.indexOf(bit);
  writer.namedBits(mask);
}

/** RFC 5280 §4.2.1.12. */
export function readExtendedKeyUsage(reader: DerReader): string[] {
  const purposes: string[] = [];
  reader.enter(Tag.SEQUENCE, '');
  for (let i = 0; reader.peek() !== -1; i += 1) purposes.push(reader.oid(i));
  if (purposes.length === 0) reader.fail('X509_INVALID', '', 'is a list of purposes without a purpose');
  reader.leave();
  return purposes;
}

export function writeExtendedKeyUsage(writer: DerWriter, purposes: readonly string[]): void {
  writer.open(Tag.SEQUENCE);
  for (const purpose of purposes) writer.oid(purpose);
  writer.close();
}
