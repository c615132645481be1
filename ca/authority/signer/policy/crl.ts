import { DerReader, Tag, explicit } from '@licet/format';
import { SIGNATURE_ALGORITHMS } from '../../issue/signatures.ts';
import { refuse, requireCertificate, type BoundKey } from './bound-key.ts';
import { element } from './element.ts';

const LIMITS = { size: 128 * 1024 * 1024, depth: 4, nodes: 16 };

/**
 * TBSCertList, RFC 5280 §5.1, of this key itself. The entries are not walked: there may be a million, the publisher
 * checks them, and nothing in them can turn the list into something else.
 */
export function checkCrl(key: BoundKey, bytes: Uint8Array): void {
  const own = requireCertificate(key);
  if (own.extensions.keyUsage?.has('cRLSign') !== true) refuse(key, 'its certificate does not let it sign CRLs');
  const reader = new DerReader(bytes, 'crl', LIMITS);
  reader.enter(Tag.SEQUENCE, '');
  if (reader.smallInteger('version', 1) !== 1) refuse(key, 'CRLs have version 2');
  const algorithm = element(reader, 'signature');
  if (Buffer.compare(algorithm, SIGNATURE_ALGORITHMS[key.description.algorithm]) !== 0) {
    refuse(key, 'the CRL names another algorithm');
  }
  if (Buffer.compare(element(reader, 'issuer'), own.subject.raw) !== 0)
    refuse(key, 'the issuer of the CRL is somebody else');
  reader.skip(timeTag(reader), 'thisUpdate');
  // RFC 5280 §5.1.2.5 wants a nextUpdate in every CRL of this profile.
  reader.skip(timeTag(reader), 'nextUpdate');
  if (reader.peek() === Tag.SEQUENCE) reader.skip(Tag.SEQUENCE, 'revokedCertificates');
  reader.skip(explicit(0), 'extensions');
  reader.leave();
  reader.finish();
}

function timeTag(reader: DerReader): number {
  return reader.peek() === Tag.GENERALIZED_TIME ? Tag.GENERALIZED_TIME : Tag.UTC_TIME;
}
