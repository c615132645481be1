import { DerReader } from '../der/reader.ts';
import { REQUEST_LIMITS } from '../der/limits.ts';
import { Tag } from '../der/tags.ts';
import { DerWriter } from '../der/writer.ts';
import { OID } from '../oids.ts';
import { readText } from './text.ts';
import type { Bytes, CertificationRequest } from './types.ts';

/** By attributes a site says in its request what not every way to the authority can carry beside it. */
type Attribute = CertificationRequest['attributes'][number];

/**
 * The license that a request renews, where no TLS client certificate shows it: a renewal by file, or one with a key that
 * TLS cannot use. The signature is that of the license's key: see `renewalMessage` of the verifier.
 *
 *     Predecessor ::= SEQUENCE { serial INTEGER, signature OCTET STRING }
 */
export type Predecessor = {
  /** The content octets, as certificates are decoded. */
  readonly serial: Bytes;
  readonly signature: Bytes;
};

/** More than any machine has to tell it from others. */
const MOST_FINGERPRINTS = 16;
/** RFC 5280 §4.1.2.2 */
const MOST_SERIAL_OCTETS = 20;
/** RSA of 8192 bits */
const MOST_SIGNATURE_OCTETS = 1024;

export function predecessorAttribute({ serial, signature }: Predecessor): Attribute {
  const value = new DerWriter(512).open(Tag.SEQUENCE).integerContent(serial).octetString(signature).close();
  return { oid: OID.predecessorSerial, values: [value.finish()] };
}

/** Throws a FormatError for one that is malformed. */
export function predecessorOf(request: Pick<CertificationRequest, 'attributes'>): Predecessor | undefined {
  const reader = readerOf(request, OID.predecessorSerial, 'predecessor');
  if (reader === undefined) return undefined;
  reader.enter(Tag.SEQUENCE, '');
  const serial = reader.integer('serial');
  if (serial.length > MOST_SERIAL_OCTETS) reader.fail('X509_INVALID', 'serial', 'is longer than 20 octets');
  const signature = reader.octetString('signature');
  if (signature.length > MOST_SIGNATURE_OCTETS) reader.fail('X509_INVALID', 'signature', 'is longer than a signature');
  reader.leave();
  reader.finish();
  return { serial, signature };
}

/**
 * What tells the machine from others, for tokens and licenses that are bound to one.
 *
 *     Fingerprints ::= SEQUENCE SIZE (1..16) OF UTF8String
 */
export function fingerprintsAttribute(fingerprints: readonly string[]): Attribute {
  const writer = new DerWriter(512).open(Tag.SEQUENCE);
  for (const one of fingerprints) writer.text(one, Tag.UTF8_STRING);
  return { oid: OID.machineFingerprints, values: [writer.close().finish()] };
}

/** Throws a FormatError for a list that is malformed. */
export function fingerprintsOf(request: Pick<CertificationRequest, 'attributes'>): string[] | undefined {
  const reader = readerOf(request, OID.machineFingerprints, 'fingerprints');
  if (reader === undefined) return undefined;
  const found: string[] = [];
  reader.enter(Tag.SEQUENCE, '');
  for (let i = 0; reader.peek() !== -1; i += 1) {
    if (i === MOST_FINGERPRINTS) reader.fail('X509_INVALID', i, `is one of more than ${MOST_FINGERPRINTS}`);
    found.push(readText(reader, i) ?? reader.fail('DER_TAG', i, 'is a fingerprint that is no text'));
  }
  reader.leave();
  reader.finish();
  return found;
}

function readerOf(
  { attributes }: Pick<CertificationRequest, 'attributes'>,
  oid: string,
  name: string,
): DerReader | undefined {
  const values = attributes.find((one) => one.oid === oid)?.values;
  if (values === undefined) return undefined;
  const [value, more] = values;
  const reader = new DerReader(value ?? new Uint8Array(), name, REQUEST_LIMITS);
  if (more !== undefined) reader.fail('X509_INVALID', '', 'is an attribute with more than one value');
  return reader;
}
