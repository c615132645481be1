import { Tag, type DerReader } from '@licet/format';

/** The next element as it stands, its inside unread. */
export function element(reader: DerReader, name: string, tag: number = Tag.SEQUENCE): Uint8Array {
  const start = reader.position;
  reader.skip(tag, name);
  return reader.since(start);
}
