import { DerReader, Tag, explicit } from '@licet/format';
import { refuse, type BoundKey } from './bound-key.ts';
import { element } from './element.ts';

const LIMITS = { size: 1024 * 1024, depth: 4, nodes: 16 };

/** ResponseData, RFC 6960 §4.2.1, in which this key itself is the responder. */
export function checkOcsp(key: BoundKey, bytes: Uint8Array): void {
  const reader = new DerReader(bytes, 'ocsp', LIMITS);
  reader.enter(Tag.SEQUENCE, '');
  checkResponder(key, reader);
  reader.skip(Tag.GENERALIZED_TIME, 'producedAt');
  reader.skip(Tag.SEQUENCE, 'responses');
  if (reader.peek() === explicit(1)) reader.skip(explicit(1), 'extensions');
  reader.leave();
  reader.finish();
}

function checkResponder(key: BoundKey, reader: DerReader): void {
  if (reader.enterIf(explicit(2), 'byKey')) {
    const named = reader.octetString('');
    reader.leave();
    if (Buffer.compare(named, key.keyHash) !== 0) refuse(key, 'the response names another responder');
    return;
  }
  reader.enter(explicit(1), 'byName');
  const named = element(reader, '');
  reader.leave();
  const own = key.certificate?.subject.raw;
  if (own === undefined || Buffer.compare(named, own) !== 0) refuse(key, 'the response names another responder');
}
