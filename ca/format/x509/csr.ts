import { compareBytes } from '../bytes.ts';
import { REQUEST_LIMITS, type DerLimits } from '../der/limits.ts';
import { DerReader } from '../der/reader.ts';
import { explicit, Tag } from '../der/tags.ts';
import { DerWriter } from '../der/writer.ts';
import { OID } from '../oids.ts';
import { readAlgorithm } from './algorithm.ts';
import { readPublicKey } from './public-key.ts';
import { readCertificateExtensions } from './extensions/certificate.ts';
import { writeExtensions } from './extensions/raw.ts';
import { readName } from './name.ts';
import { encodeSigned, readSignature } from './signature.ts';
import { isPrintable, readText } from './text.ts';
import type { Bytes, CertificateExtensions, CertificationRequest, Name, PublicKeyInfo, RawExtension } from './types.ts';

/** Reads a certification request, RFC 2986 §4. Its signature is for the caller to check. */
export function decodeCertificationRequest(der: Bytes, limits: DerLimits = REQUEST_LIMITS): CertificationRequest {
  const reader = new DerReader(der, 'request', limits);
  reader.enter(Tag.SEQUENCE, '');
  const start = reader.position;
  reader.enter(Tag.SEQUENCE, 'info');
  const version = reader.smallInteger('version', 0xff_ff_ff_ff);
  if (version !== 0) reader.fail('X509_VERSION', 'version', `is ${version + 1}, there is only version 1`);
  const subject = readName(reader, 'subject');
  const publicKey = readPublicKey(reader, 'publicKey');
  const attributes = readAttributes(reader);
  reader.leave();
  const info = reader.since(start);
  const signatureAlgorithm = readAlgorithm(reader, 'signatureAlgorithm');
  const signature = readSignature(reader, signatureAlgorithm);
  reader.leave();
  reader.finish();
  return { der, info, subject, publicKey, ...attributes, signatureAlgorithm, signature };
}

type Attributes = Pick<CertificationRequest, 'attributes' | 'requestedExtensions' | 'challengePassword'>;
type Attribute = CertificationRequest['attributes'][number];

/**
 * A SET OF whose order is not enforced: several clients write it as it comes. That changes nothing, because each
 * attribute may occur only once.
 */
function readAttributes(reader: DerReader): Attributes {
  const attributes: Attribute[] = [];
  const found: { requestedExtensions?: CertificateExtensions; challengePassword?: string } = {};
  const seen = new Set<string>();
  reader.enter(explicit(0), 'attributes');
  for (let i = 0; reader.peek() !== -1; i += 1) {
    reader.enter(Tag.SEQUENCE, i);
    const oid = reader.oid('type');
    if (seen.has(oid)) reader.fail('X509_INVALID', 'type', `the attribute ${oid} occurs twice`);
    seen.add(oid);
    attributes.push({ oid, values: readValues(reader, oid, found) });
    reader.leave();
  }
  reader.leave();
  return {
    attributes,
    requestedExtensions: found.requestedExtensions,
    challengePassword: found.challengePassword,
  };
}

function readValues(
  reader: DerReader,
  oid: string,
  found: { requestedExtensions?: CertificateExtensions; challengePassword?: string },
): Bytes[] {
  const values: Bytes[] = [];
  reader.enter(Tag.SET, 'values');
  for (let i = 0; reader.peek() !== -1; i += 1) {
    const start = reader.position;
    // RFC 2985 §5.4.1, §5.4.2: both are SINGLE VALUE.
    if (i > 0 && (oid === OID.extensionRequest || oid === OID.challengePassword)) {
      reader.fail('X509_INVALID', i, 'is a second value of an attribute that has one');
    }
    if (oid === OID.extensionRequest) found.requestedExtensions = readCertificateExtensions(reader, i);
    else if (oid === OID.challengePassword) found.challengePassword = readPassword(reader, i);
    else reader.any(i);
    values.push(reader.since(start));
  }
  if (values.length === 0) reader.fail('X509_INVALID', '', 'is an attribute without a value');
  reader.leave();
  return values;
}

function readPassword(reader: DerReader, name: number): string {
  return readText(reader, name) ?? reader.fail('DER_TAG', name, 'is a challenge password that is no text');
}

/** What a new request says. */
export type CertificationRequestFields = {
  readonly subject: Pick<Name, 'raw'>;
  readonly publicKey: Pick<PublicKeyInfo, 'raw'>;
  readonly requestedExtensions?: readonly RawExtension[];
  readonly challengePassword?: string;
  /** Further attributes. */
  readonly attributes?: readonly Attribute[];
};

/** The DER of a CertificationRequestInfo: what is to be signed. */
export function encodeCertificationRequestInfo(fields: CertificationRequestFields): Uint8Array<ArrayBuffer> {
  const writer = new DerWriter().open(Tag.SEQUENCE).integer(0).raw(fields.subject.raw).raw(fields.publicKey.raw);
  writer.open(explicit(0));
  for (const attribute of attributesOf(fields).map(encodeAttribute).sort(compareBytes)) writer.raw(attribute);
  return writer.close().close().finish();
}

function attributesOf({ attributes = [], ...fields }: CertificationRequestFields): Attribute[] {
  const all = [...attributes];
  if (fields.requestedExtensions !== undefined && fields.requestedExtensions.length > 0) {
    const writer = new DerWriter();
    writeExtensions(writer, fields.requestedExtensions);
    all.push({ oid: OID.extensionRequest, values: [writer.finish()] });
  }
  if (fields.challengePassword !== undefined) {
    const tag = isPrintable(fields.challengePassword) ? Tag.PRINTABLE_STRING : Tag.UTF8_STRING;
    const value = new DerWriter(64).text(fields.challengePassword, tag).finish();
    all.push({ oid: OID.challengePassword, values: [value] });
  }
  return all;
}

function encodeAttribute({ oid, values }: Attribute): Bytes {
  const writer = new DerWriter().open(Tag.SEQUENCE).oid(oid).open(Tag.SET);
  for (const value of values.toSorted(compareBytes)) writer.raw(value);
  return writer.close().close().finish();
}

export const encodeCertificationRequest = encodeSigned;
