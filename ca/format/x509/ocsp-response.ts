import { OCSP_RESPONSE_LIMITS, type DerLimits } from '../der/limits.ts';
import { DerReader, type PathStep } from '../der/reader.ts';
import { explicit, implicit, Tag } from '../der/tags.ts';
import { DerWriter } from '../der/writer.ts';
import { OID } from '../oids.ts';
import { readGeneralizedTime, writeGeneralizedTime } from '../time.ts';
import { readAlgorithm } from './algorithm.ts';
import { readCertId } from './cert-id.ts';
import { readReason } from './crl-entry.ts';
import { nonceExtension, readOcspExtensions } from './extensions/ocsp.ts';
import { writeExtensions } from './extensions/raw.ts';
import { readName } from './name.ts';
import { readCertificates, refuseVersion } from './ocsp-request.ts';
import { reasonNumber } from './reason.ts';
import { readSignature } from './signature.ts';
import type {
  AlgorithmIdentifier,
  BasicOcspResponse,
  Bytes,
  CertId,
  CertStatus,
  Name,
  OcspResponse,
  OcspStatus,
  RawExtension,
  SingleResponse,
} from './types.ts';

/** OCSPResponseStatus, RFC 6960 §4.2.1, by number; 4 is not used. */
const STATUSES: readonly (OcspStatus | undefined)[] = [
  'successful',
  'malformedRequest',
  'internalError',
  'tryLater',
  undefined,
  'sigRequired',
  'unauthorized',
];

// RFC 6960 §4.2.1: KeyHash is the SHA-1 of the responder's key.
const KEY_HASH_OCTETS = 20;

/** Reads an OCSP response, RFC 6960 §4.2.1. */
export function decodeOcspResponse(der: Bytes, limits: DerLimits = OCSP_RESPONSE_LIMITS): OcspResponse {
  const reader = new DerReader(der, 'ocspResponse', limits);
  reader.enter(Tag.SEQUENCE, '');
  const number = reader.enumerated('status');
  const status = STATUSES[number] ?? reader.fail('X509_INVALID', 'status', `${number} is no status of a response`);
  // §4.2.1: an error has no response bytes, and a success says what it is.
  if ((status === 'successful') !== (reader.peek() === explicit(0))) {
    reader.fail('X509_INVALID', '', `is ${status} and holds ${reader.peek() === -1 ? 'no answer' : 'an answer'}`);
  }
  const basic = status === 'successful' ? readResponseBytes(reader) : undefined;
  reader.leave();
  reader.finish();
  return { der, status, basic };
}

function readResponseBytes(reader: DerReader): BasicOcspResponse {
  reader.enter(explicit(0), 'bytes');
  reader.enter(Tag.SEQUENCE, '');
  const type = reader.oid('type');
  if (type !== OID.ocspBasic) reader.fail('X509_INVALID', 'type', `${type} is no basic response`);
  reader.enter(Tag.OCTET_STRING, 'basic');
  reader.enter(Tag.SEQUENCE, '');
  const start = reader.position;
  const fields = readTbs(reader);
  const tbs = reader.since(start);
  const signatureAlgorithm = readAlgorithm(reader, 'signatureAlgorithm');
  const signature = readSignature(reader, signatureAlgorithm);
  const certificates = readCertificates(reader);
  for (let open = 0; open < 4; open += 1) reader.leave();
  return { tbs, ...fields, signatureAlgorithm, signature, certificates };
}

type Tbs = Omit<BasicOcspResponse, 'tbs' | 'signatureAlgorithm' | 'signature' | 'certificates'>;

function readTbs(reader: DerReader): Tbs {
  reader.enter(Tag.SEQUENCE, 'tbs');
  refuseVersion(reader);
  const responder = readResponder(reader);
  const producedAt = readGeneralizedTime(reader, 'producedAt');
  const responses: SingleResponse[] = [];
  reader.enter(Tag.SEQUENCE, 'responses');
  for (let i = 0; reader.peek() !== -1; i += 1) responses.push(readSingleResponse(reader, i));
  if (responses.length === 0) reader.fail('X509_INVALID', '', 'answers about no certificate');
  reader.leave();
  const { all: extensions, nonce } = readOcspExtensions(reader, explicit(1));
  reader.leave();
  return { responder, producedAt, responses, extensions, nonce };
}

function readResponder(reader: DerReader): BasicOcspResponse['responder'] {
  if (reader.enterIf(explicit(1), 'responder')) {
    const byName = readName(reader, '');
    reader.leave();
    return { byName };
  }
  reader.enter(explicit(2), 'responder');
  const byKey = reader.octetString('');
  if (byKey.length !== KEY_HASH_OCTETS) reader.fail('X509_INVALID', '', `should be ${KEY_HASH_OCTETS} octets long`);
  reader.leave();
  return { byKey };
}

function readSingleResponse(reader: DerReader, name: PathStep): SingleResponse {
  reader.enter(Tag.SEQUENCE, name);
  const certId = readCertId(reader, 'certId');
  const status = readStatus(reader);
  const thisUpdate = readGeneralizedTime(reader, 'thisUpdate');
  let nextUpdate: Date | undefined;
  if (reader.enterIf(explicit(0), 'nextUpdate')) {
    nextUpdate = readGeneralizedTime(reader, '');
    reader.leave();
  }
  const { all: extensions } = readOcspExtensions(reader, explicit(1));
  reader.leave();
  return { certId, status, thisUpdate, nextUpdate, extensions };
}

function readStatus(reader: DerReader): CertStatus {
  const tag = reader.peek();
  if (tag === implicit(0) || tag === implicit(2)) {
    if (reader.content(tag, 'status').length > 0) reader.fail('DER_VALUE', 'status', 'is a NULL with content');
    return { kind: tag === implicit(0) ? 'good' : 'unknown' };
  }
  reader.enter(explicit(1), 'status');
  const revokedAt = readGeneralizedTime(reader, 'revokedAt');
  const reason = reader.enterIf(explicit(0), 'reason') ? readReason(reader, '') : undefined;
  if (reason !== undefined) reader.leave();
  reader.leave();
  return { kind: 'revoked', revokedAt, reason };
}

/** One answer to be written; `certId` is echoed as it came (RFC 6960 §4.2.1). */
export type SingleResponseFields = {
  readonly certId: Pick<CertId, 'raw'>;
  readonly status: CertStatus;
  readonly thisUpdate: Date;
  readonly nextUpdate?: Date | undefined;
  readonly extensions?: readonly RawExtension[];
};

export type TbsOcspResponseFields = {
  readonly responder: { readonly byName: Pick<Name, 'raw'> } | { readonly byKey: Bytes };
  readonly producedAt: Date;
  readonly responses: readonly SingleResponseFields[];
  /** Echoes the nonce of the request, in addition to `extensions`. */
  readonly nonce?: Bytes | undefined;
  readonly extensions?: readonly RawExtension[];
};

/** The DER of a ResponseData: what is to be signed. */
export function encodeTbsOcspResponse(fields: TbsOcspResponseFields): Uint8Array<ArrayBuffer> {
  const { responder, nonce } = fields;
  const writer = new DerWriter(512).open(Tag.SEQUENCE);
  if ('byName' in responder) writer.open(explicit(1)).raw(responder.byName.raw).close();
  else writer.open(explicit(2)).octetString(responder.byKey).close();
  writeGeneralizedTime(writer, fields.producedAt);
  writer.open(Tag.SEQUENCE);
  for (const response of fields.responses) writeSingleResponse(writer, response);
  writer.close();
  const extensions = (fields.extensions ?? []).filter(({ oid }) => nonce === undefined || oid !== OID.ocspNonce);
  if (nonce !== undefined) extensions.unshift(nonceExtension(nonce));
  writeOptionalExtensions(writer, extensions);
  return writer.close().finish();
}

function writeSingleResponse(writer: DerWriter, response: SingleResponseFields): void {
  writer.open(Tag.SEQUENCE).raw(response.certId.raw);
  writeStatus(writer, response.status);
  writeGeneralizedTime(writer, response.thisUpdate);
  if (response.nextUpdate !== undefined) {
    writer.open(explicit(0));
    writeGeneralizedTime(writer, response.nextUpdate);
    writer.close();
  }
  writeOptionalExtensions(writer, response.extensions ?? []);
  writer.close();
}

function writeStatus(writer: DerWriter, status: CertStatus): void {
  if (status.kind !== 'revoked') {
    writer.open(implicit(status.kind === 'good' ? 0 : 2)).close();
    return;
  }
  writer.open(explicit(1));
  writeGeneralizedTime(writer, status.revokedAt);
  if (status.reason !== undefined) writer.open(explicit(0)).enumerated(reasonNumber(status.reason)).close();
  writer.close();
}

function writeOptionalExtensions(writer: DerWriter, extensions: readonly RawExtension[]): void {
  if (extensions.length === 0) return;
  writer.open(explicit(1));
  writeExtensions(writer, extensions);
  writer.close();
}

/** A successful response around a signed ResponseData. */
export function encodeOcspResponse(
  tbs: Bytes,
  algorithm: Pick<AlgorithmIdentifier, 'raw'>,
  signature: Bytes,
  certificates: readonly Bytes[] = [],
): Uint8Array<ArrayBuffer> {
  const writer = new DerWriter(tbs.length + 2048).open(Tag.SEQUENCE).enumerated(0).open(explicit(0));
  writer.open(Tag.SEQUENCE).oid(OID.ocspBasic).open(Tag.OCTET_STRING).open(Tag.SEQUENCE);
  writer.raw(tbs).raw(algorithm.raw).bitString(signature);
  if (certificates.length > 0) {
    writer.open(explicit(0)).open(Tag.SEQUENCE);
    for (const certificate of certificates) writer.raw(certificate);
    writer.close().close();
  }
  return writer.close().close().close().close().close().finish();
}

/** A response that says why there is no answer; it is not signed (RFC 6960 §2.3). */
export function encodeOcspError(status: Exclude<OcspStatus, 'successful'>): Uint8Array<ArrayBuffer> {
  return new DerWriter(8).open(Tag.SEQUENCE).enumerated(STATUSES.indexOf(status)).close().finish();
}
