import { DerReader, OID, Tag, decodeName, explicit } from '@licet/format';
import { refuse, type BoundKey } from './bound-key.ts';
import { element } from './element.ts';

const LIMITS = { size: 64 * 1024, depth: 24, nodes: 4096 };

/** CertificationRequestInfo, RFC 2986 §4.1, about this key and its own tenant: proof of possession, no grant. */
export function checkRequest(key: BoundKey, bytes: Uint8Array): void {
  const { purpose, organization, publicKey } = key.description;
  const reader = new DerReader(bytes, 'request', LIMITS);
  reader.enter(Tag.SEQUENCE, '');
  reader.smallInteger('version', 0);
  const subject = decodeName(element(reader, 'subject'));
  if (Buffer.compare(element(reader, 'publicKey'), publicKey) !== 0) refuse(key, 'the request is for another key');
  if (reader.peek() !== explicit(0)) refuse(key, 'the request has no attributes field');
  reader.any('attributes');
  reader.leave();
  reader.finish();
  const organizations = subject.rdns.flat().filter(({ oid }) => oid === OID.organizationName);
  if (purpose !== 'root' && organizations.some(({ value }) => value !== organization)) {
    refuse(key, `the request names another organization than "${organization}"`);
  }
}
