import { compareBytes, toHex } from '../bytes.ts';
import { FormatError } from '../errors.ts';
import { DerReader, type PathStep } from '../der/reader.ts';
import { CERTIFICATE_LIMITS } from '../der/limits.ts';
import { Tag } from '../der/tags.ts';
import { DerWriter } from '../der/writer.ts';
import { OID, type OidName } from '../oids.ts';
import { isIa5, isPrintable, readText } from './text.ts';
import type { Bytes, Name, NameAttribute } from './types.ts';

/** RFC 5280 §4.1.2.4. */
export function readName(reader: DerReader, name: PathStep): Name {
  const start = reader.position;
  const rdns: (readonly NameAttribute[])[] = [];
  reader.enter(Tag.SEQUENCE, name);
  for (let i = 0; reader.peek() !== -1; i += 1) rdns.push(readRdn(reader, i));
  reader.leave();
  return { raw: reader.since(start), rdns };
}

/** A RelativeDistinguishedName; under another tag where a distribution point holds one. */
export function readRdn(reader: DerReader, name: PathStep, tag: number = Tag.SET): NameAttribute[] {
  reader.enter(tag, name);
  if (reader.peek() === -1) reader.fail('X509_NAME', '', 'is a relative name without attributes');
  const start = reader.position;
  const rdn = [readAttribute(reader, 0)];
  if (reader.peek() !== -1) readMoreAttributes(reader, start, rdn);
  reader.leave();
  return rdn;
}

/** X.690 §11.6: the elements of a SET OF ascend as octet strings. `start`: of the first one. */
function readMoreAttributes(reader: DerReader, start: number, rdn: NameAttribute[]): void {
  let before = reader.since(start);
  for (let i = 1; reader.peek() !== -1; i += 1) {
    const own = reader.position;
    rdn.push(readAttribute(reader, i));
    const whole = reader.since(own);
    if (compareBytes(before, whole) >= 0) {
      reader.fail('DER_VALUE', i, 'stands in another order than DER demands of a SET OF, or twice');
    }
    before = whole;
  }
}

function readAttribute(reader: DerReader, name: PathStep): NameAttribute {
  reader.enter(Tag.SEQUENCE, name);
  const oid = reader.oid('type');
  const start = reader.position;
  const tag = reader.peek();
  const value = readText(reader, 'value');
  if (value === undefined) reader.any('value');
  const raw = reader.since(start);
  reader.leave();
  return { oid, tag, value, raw };
}

/** An attribute to be written: a name of our table or an identifier, and its text. */
export type NameAttributeInput = { readonly type: OidName | (string & {}); readonly value: string };

/** Makes a Name of RDNs with one attribute each, in the order given. */
export function createName(attributes: readonly NameAttributeInput[]): Name {
  const writer = new DerWriter(256).open(Tag.SEQUENCE);
  for (const { type, value } of attributes) {
    const oid = type in OID ? OID[type as OidName] : type;
    writer.open(Tag.SET).open(Tag.SEQUENCE).oid(oid);
    writer.text(value, stringTag(oid, value)).close().close();
  }
  return decodeName(writer.close().finish());
}

export function decodeName(der: Bytes): Name {
  const reader = new DerReader(der, 'name', CERTIFICATE_LIMITS);
  const name = readName(reader, '');
  reader.finish();
  return name;
}

/** RFC 5280 §4.1.2.4 and appendix A: UTF8String for all but the attributes whose syntax is another. */
function stringTag(oid: string, value: string): number {
  if (oid === OID.countryName || oid === OID.serialNumber || oid === OID.dnQualifier) {
    if (!isPrintable(value)) throw new FormatError('X509_NAME', oid, `"${value}" is no PrintableString`);
    return Tag.PRINTABLE_STRING;
  }
  if (oid === OID.domainComponent || oid === OID.emailAddress) {
    if (!isIa5(value)) throw new FormatError('X509_NAME', oid, `"${value}" is no IA5 text`);
    return Tag.IA5_STRING;
  }
  if (!value.isWellFormed()) throw new FormatError('X509_NAME', oid, 'is no well-formed Unicode text');
  return Tag.UTF8_STRING;
}

// RFC 4514 §3, and serialNumber as everybody writes it.
const SHORT = new Map<string, string>([
  [OID.commonName, 'CN'],
  [OID.localityName, 'L'],
  [OID.stateOrProvinceName, 'ST'],
  [OID.organizationName, 'O'],
  [OID.organizationalUnitName, 'OU'],
  [OID.countryName, 'C'],
  [OID.streetAddress, 'STREET'],
  [OID.domainComponent, 'DC'],
  [OID.userId, 'UID'],
  [OID.serialNumber, 'serialNumber'],
]);

/** The text of a name, RFC 4514: the last RDN first. */
export function formatName(name: Name): string {
  return name.rdns
    .toReversed()
    .map((rdn) => rdn.map(formatAttribute).join('+'))
    .join(',');
}

function formatAttribute({ oid, value, raw }: NameAttribute): string {
  const type = SHORT.get(oid);
  if (type === undefined || value === undefined) return `${type ?? oid}=#${toHex(raw)}`;
  return `${type}=${escapeValue(value)}`;
}

function escapeValue(value: string): string {
  return value
    .replaceAll(/["+,;<>\\]/g, String.raw`\$&`)
    .replaceAll(/\p{Cc}/gu, (control) => toHex(new TextEncoder().encode(control)).replaceAll(/../g, String.raw`\$&`))
    .replace(/^[ #]/, String.raw`\$&`)
    .replace(/ $/, String.raw`\ `);
}

export function writeRdn(writer: DerWriter, rdn: readonly NameAttribute[], tag: number = Tag.SET): void {
  writer.open(tag);
  for (const { oid, raw } of rdn) writer.open(Tag.SEQUENCE).oid(oid).raw(raw).close();
  writer.close();
}
