import type { DerReader, PathStep } from '../der/reader.ts';
import { Tag } from '../der/tags.ts';
import { DerWriter } from '../der/writer.ts';
import { OID } from '../oids.ts';
import { readAlgorithm } from './algorithm.ts';
import type { AlgorithmIdentifier, Bytes, CertId } from './types.ts';

/** Octets of each hash that may identify an issuer. RFC 6960 wants SHA-1 everywhere, RFC 9654 and clients of today SHA-256. */
const HASH_OCTETS = new Map<string, number>([
  [OID.sha1, 20],
  [OID.sha224, 28],
  [OID.sha256, 32],
  [OID.sha384, 48],
  [OID.sha512, 64],
]);

/** RFC 6960 §4.1.1. */
export function readCertId(reader: DerReader, name: PathStep): CertId {
  const start = reader.position;
  reader.enter(Tag.SEQUENCE, name);
  const hashAlgorithm = readAlgorithm(reader, 'hashAlgorithm');
  const issuerNameHash = reader.octetString('issuerNameHash');
  const issuerKeyHash = reader.octetString('issuerKeyHash');
  const octets = HASH_OCTETS.get(hashAlgorithm.oid) ?? issuerNameHash.length;
  if (issuerNameHash.length !== octets)
    reader.fail('X509_INVALID', 'issuerNameHash', `should be ${octets} octets long`);
  if (issuerKeyHash.length !== octets) reader.fail('X509_INVALID', 'issuerKeyHash', `should be ${octets} octets long`);
  const serial = reader.integer('serial');
  reader.leave();
  return { raw: reader.since(start), hashAlgorithm, issuerNameHash, issuerKeyHash, serial };
}

export type CertIdFields = Pick<CertId, 'issuerNameHash' | 'issuerKeyHash' | 'serial'> & {
  readonly hashAlgorithm: Pick<AlgorithmIdentifier, 'raw'>;
};

export function encodeCertId(fields: CertIdFields): Bytes {
  const writer = new DerWriter(128).open(Tag.SEQUENCE).raw(fields.hashAlgorithm.raw);
  writer.octetString(fields.issuerNameHash).octetString(fields.issuerKeyHash).integerContent(fields.serial);
  return writer.close().finish();
}
