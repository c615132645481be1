import type { DerReader } from '../../der/reader.ts';
import { explicit, implicit, Tag } from '../../der/tags.ts';
import type { DerWriter } from '../../der/writer.ts';
import { readGeneralNames, writeGeneralNames } from '../general-name.ts';
import type { CertificateExtensions } from '../types.ts';

export type AuthorityKeyIdentifier = NonNullable<CertificateExtensions['authorityKeyIdentifier']>;

/** RFC 5280 §4.2.1.1. */
export function readAuthorityKeyIdentifier(reader: DerReader): AuthorityKeyIdentifier {
  reader.enter(Tag.SEQUENCE, '');
  const keyIdentifier = reader.peek() === implicit(0) ? reader.content(implicit(0), 'keyIdentifier') : undefined;
  const issuer = reader.peek() === explicit(1) ? readGeneralNames(reader, 'issuer', explicit(1)) : undefined;
  const serial = reader.peek() === implicit(2) ? reader.integer('serial', implicit(2)) : undefined;
  if ((issuer === undefined) !== (serial === undefined)) {
    reader.fail('X509_INVALID', '', 'names an issuer without a serial number, or the other way round');
  }
  reader.leave();
  return { keyIdentifier, issuer, serial };
}

export function writeAuthorityKeyIdentifier(writer: DerWriter, value: Partial<AuthorityKeyIdentifier>): void {
  writer.open(Tag.SEQUENCE);
  if (value.keyIdentifier !== undefined) writer.primitive(implicit(0), value.keyIdentifier);
  if (value.issuer !== undefined) writeGeneralNames(writer, value.issuer, explicit(1));
  if (value.serial !== undefined) writer.integerContent(value.serial, implicit(2));
  writer.close();
}
