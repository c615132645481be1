import type { DerReader } from '../../der/reader.ts';
import { Tag } from '../../der/tags.ts';
import type { DerWriter } from '../../der/writer.ts';
import { readGeneralName, writeGeneralName } from '../general-name.ts';
import type { GeneralName } from '../types.ts';

export type AccessDescription = { readonly method: string; readonly location: GeneralName };

/** RFC 5280 §4.2.2.1 and §4.2.2.2. */
export function readAccess(reader: DerReader): AccessDescription[] {
  const access: AccessDescription[] = [];
  reader.enter(Tag.SEQUENCE, '');
  for (let i = 0; reader.peek() !== -1; i += 1) {
    reader.enter(Tag.SEQUENCE, i);
    access.push({ method: reader.oid('method'), location: readGeneralName(reader, 'location') });
    reader.leave();
  }
  if (access.length === 0) reader.fail('X509_INVALID', '', 'is a list of access descriptions without one');
  reader.leave();
  return access;
}

export function writeAccess(writer: DerWriter, access: readonly AccessDescription[]): void {
  writer.open(Tag.SEQUENCE);
  for (const { method, location } of access) {
    writer.open(Tag.SEQUENCE).oid(method);
    writeGeneralName(writer, location);
    writer.close();
  }
  writer.close();
}
