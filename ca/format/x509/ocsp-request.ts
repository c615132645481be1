import { OCSP_REQUEST_LIMITS, type DerLimits } from '../der/limits.ts';
import { DerReader } from '../der/reader.ts';
import { explicit, Tag } from '../der/tags.ts';
import { DerWriter } from '../der/writer.ts';
import { readAlgorithm } from './algorithm.ts';
import { readCertId } from './cert-id.ts';
import { nonceExtension, readOcspExtensions } from './extensions/ocsp.ts';
import { writeExtensions } from './extensions/raw.ts';
import { readGeneralName } from './general-name.ts';
import { readSignature } from './signature.ts';
import type { Bytes, CertId, OcspRequest } from './types.ts';

/** Reads an OCSP request, RFC 6960 §4.1.1. A signature on it is noticed and not checked. */
export function decodeOcspRequest(der: Bytes, limits: DerLimits = OCSP_REQUEST_LIMITS): OcspRequest {
  const reader = new DerReader(der, 'ocspRequest', limits);
  reader.enter(Tag.SEQUENCE, '');
  reader.enter(Tag.SEQUENCE, 'tbs');
  refuseVersion(reader);
  if (reader.enterIf(explicit(1), 'requestor')) {
    readGeneralName(reader, '');
    reader.leave();
  }
  const requests = readRequests(reader);
  const { nonce } = readOcspExtensions(reader, explicit(2));
  reader.leave();
  const signed = reader.peek() === explicit(0);
  if (signed) readOptionalSignature(reader);
  reader.leave();
  reader.finish();
  return { der, requests, nonce, signed };
}

/** `version [0] EXPLICIT Version DEFAULT v1`, of which there is only the default; also in a response. */
export function refuseVersion(reader: DerReader): void {
  if (!reader.enterIf(explicit(0), 'version')) return;
  const version = reader.smallInteger('', 0xff_ff_ff_ff);
  if (version === 0) reader.fail('DER_VALUE', '', 'is v1, the default, which DER leaves out');
  reader.fail('X509_VERSION', '', `is ${version + 1}, there is only version 1`);
}

function readRequests(reader: DerReader): CertId[] {
  const requests: CertId[] = [];
  reader.enter(Tag.SEQUENCE, 'requests');
  for (let i = 0; reader.peek() !== -1; i += 1) {
    reader.enter(Tag.SEQUENCE, i);
    requests.push(readCertId(reader, 'certId'));
    readOcspExtensions(reader, explicit(0));
    reader.leave();
  }
  if (requests.length === 0) reader.fail('X509_INVALID', '', 'asks about no certificate');
  reader.leave();
  return requests;
}

function readOptionalSignature(reader: DerReader): void {
  reader.enter(explicit(0), 'signature');
  reader.enter(Tag.SEQUENCE, '');
  readSignature(reader, readAlgorithm(reader, 'algorithm'));
  readCertificates(reader);
  reader.leave();
  reader.leave();
}

/** `certs [0] EXPLICIT SEQUENCE OF Certificate OPTIONAL`. They are cut out here and read by their own decoder. */
export function readCertificates(reader: DerReader): Bytes[] {
  const certificates: Bytes[] = [];
  if (!reader.enterIf(explicit(0), 'certificates')) return certificates;
  reader.enter(Tag.SEQUENCE, '');
  for (let i = 0; reader.peek() !== -1; i += 1) {
    const start = reader.position;
    reader.skip(Tag.SEQUENCE, i);
    certificates.push(reader.since(start));
  }
  if (certificates.length === 0) reader.fail('X509_INVALID', '', 'is an empty list, which must be left out');
  reader.leave();
  reader.leave();
  return certificates;
}

/** An unsigned request about certificates, each named by the DER of its CertID. */
export function encodeOcspRequest(fields: {
  readonly requests: readonly Pick<CertId, 'raw'>[];
  readonly nonce?: Bytes | undefined;
}): Uint8Array<ArrayBuffer> {
  const writer = new DerWriter(256).open(Tag.SEQUENCE).open(Tag.SEQUENCE).open(Tag.SEQUENCE);
  for (const { raw } of fields.requests) writer.open(Tag.SEQUENCE).raw(raw).close();
  writer.close();
  if (fields.nonce !== undefined) {
    writer.open(explicit(2));
    writeExtensions(writer, [nonceExtension(fields.nonce)]);
    writer.close();
  }
  return writer.close().close().finish();
}
