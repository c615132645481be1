import { CMS_LIMITS, type DerLimits } from './der/limits.ts';
import { DerReader } from './der/reader.ts';
import { explicit, Tag } from './der/tags.ts';
import { DerWriter } from './der/writer.ts';
import { OID } from './oids.ts';
import type { Bytes } from './x509/types.ts';

/**
 * Reads a certs-only CMS message (RFC 5652 §5, as EST sends it: RFC 7030 §4.1.3) and gives the DER of the certificates
 * in the order of the message. Their order is not enforced: it is a SET, but senders use it for the order of a chain.
 */
export function decodeCertsOnly(der: Bytes, limits: DerLimits = CMS_LIMITS): Bytes[] {
  const reader = new DerReader(der, 'cms', limits);
  reader.enter(Tag.SEQUENCE, '');
  const type = reader.oid('contentType');
  if (type !== OID.cmsSignedData) reader.fail('CMS_INVALID', 'contentType', `${type} is no SignedData`);
  reader.enter(explicit(0), 'content');
  reader.enter(Tag.SEQUENCE, '');
  const version = reader.smallInteger('version', 0xff_ff_ff_ff);
  if (version !== 1) reader.fail('CMS_INVALID', 'version', `is ${version}, a certs-only message has version 1`);
  readEmptySet(reader, 'digestAlgorithms');
  reader.enter(Tag.SEQUENCE, 'encapContentInfo');
  const inner = reader.oid('eContentType');
  if (inner !== OID.cmsData) reader.fail('CMS_INVALID', 'eContentType', `${inner} is no id-data`);
  if (reader.peek() !== -1) reader.fail('CMS_INVALID', '', 'holds content, a certs-only message has none');
  reader.leave();
  const certificates = readSet(reader, 'certificates', explicit(0));
  readSet(reader, 'crls', explicit(1));
  readEmptySet(reader, 'signerInfos');
  for (let open = 0; open < 3; open += 1) reader.leave();
  reader.finish();
  return certificates;
}

function readSet(reader: DerReader, name: string, tag: number): Bytes[] {
  const elements: Bytes[] = [];
  if (!reader.enterIf(tag, name)) return elements;
  for (let i = 0; reader.peek() !== -1; i += 1) {
    const start = reader.position;
    reader.skip(Tag.SEQUENCE, i);
    elements.push(reader.since(start));
  }
  reader.leave();
  return elements;
}

function readEmptySet(reader: DerReader, name: string): void {
  reader.enter(Tag.SET, name);
  if (reader.peek() !== -1) reader.fail('CMS_INVALID', '', 'should be empty in a certs-only message');
  reader.leave();
}

/** Writes a certs-only CMS message: version 1, no algorithms, no content, no signers. */
export function encodeCertsOnly(certificates: readonly Bytes[]): Uint8Array<ArrayBuffer> {
  const capacity = certificates.reduce((length, certificate) => length + certificate.length, 64);
  const writer = new DerWriter(capacity).open(Tag.SEQUENCE).oid(OID.cmsSignedData).open(explicit(0)).open(Tag.SEQUENCE);
  writer.integer(1).open(Tag.SET).close().open(Tag.SEQUENCE).oid(OID.cmsData).close();
  if (certificates.length > 0) {
    writer.open(explicit(0));
    for (const certificate of certificates) writer.raw(certificate);
    writer.close();
  }
  return writer.open(Tag.SET).close().close().close().close().finish();
}
