import { equalBytes } from '../bytes.ts';
import { CERTIFICATE_LIMITS, type DerLimits } from '../der/limits.ts';
import { DerReader } from '../der/reader.ts';
import { explicit, implicit, Tag } from '../der/tags.ts';
import { DerWriter } from '../der/writer.ts';
import { readTime, writeTime } from '../time.ts';
import { readAlgorithm } from './algorithm.ts';
import { readPublicKey } from './public-key.ts';
import { readCertificateExtensions } from './extensions/certificate.ts';
import { writeExtensions } from './extensions/raw.ts';
import { readName } from './name.ts';
import { encodeSigned, readSignature } from './signature.ts';
import type {
  AlgorithmIdentifier,
  Bytes,
  Certificate,
  CertificateExtensions,
  Name,
  PublicKeyInfo,
  RawExtension,
} from './types.ts';

const NO_EXTENSIONS: CertificateExtensions = { all: [] };

/**
 * Reads a certificate, RFC 5280 §4.1. Refuses what is not DER and what contradicts the syntax; what only breaks a
 * profile (a serial number that is zero, negative or too long, an empty issuer) decodes, so that a verifier can say so.
 */
export function decodeCertificate(der: Bytes, limits: DerLimits = CERTIFICATE_LIMITS): Certificate {
  const reader = new DerReader(der, 'certificate', limits);
  reader.enter(Tag.SEQUENCE, '');
  const start = reader.position;
  const { signature: inner, ...fields } = readTbs(reader);
  const tbs = reader.since(start);
  const signatureAlgorithm = readAlgorithm(reader, 'signatureAlgorithm');
  if (!equalBytes(inner.raw, signatureAlgorithm.raw)) {
    // §4.1.1.2: "MUST contain the same algorithm identifier as the signature field".
    reader.fail('X509_ALGORITHM', 'signatureAlgorithm', 'differs from the algorithm inside the signed part');
  }
  const signature = readSignature(reader, signatureAlgorithm);
  reader.leave();
  reader.finish();
  return { der, tbs, ...fields, signatureAlgorithm, signature };
}

type Tbs = Omit<Certificate, 'der' | 'tbs' | 'signatureAlgorithm' | 'signature'> & { signature: AlgorithmIdentifier };

function readTbs(reader: DerReader): Tbs {
  reader.enter(Tag.SEQUENCE, 'tbs');
  const version = readVersion(reader);
  const serial = reader.integer('serial');
  const signature = readAlgorithm(reader, 'signature');
  const issuer = readName(reader, 'issuer');
  reader.enter(Tag.SEQUENCE, 'validity');
  const notBefore = readTime(reader, 'notBefore');
  const notAfter = readTime(reader, 'notAfter');
  reader.leave();
  const subject = readName(reader, 'subject');
  const publicKey = readPublicKey(reader, 'publicKey');
  const issuerUniqueId = readUniqueId(reader, version, 'issuerUniqueId', implicit(1));
  const subjectUniqueId = readUniqueId(reader, version, 'subjectUniqueId', implicit(2));
  const extensions = readTbsExtensions(reader, version);
  reader.leave();
  return {
    version,
    serial,
    signature,
    issuer,
    notBefore,
    notAfter,
    subject,
    publicKey,
    issuerUniqueId,
    subjectUniqueId,
    extensions,
  };
}

/** §4.1.2.1. */
function readVersion(reader: DerReader): 1 | 2 | 3 {
  if (!reader.enterIf(explicit(0), 'version')) return 1;
  const version = reader.smallInteger('', 0xff_ff_ff_ff);
  if (version === 0) reader.fail('DER_VALUE', '', 'is v1, the default, which DER leaves out');
  if (version > 2) reader.fail('X509_VERSION', '', `is ${version + 1}, there are only 1 to 3`);
  reader.leave();
  return version === 1 ? 2 : 3;
}

/** §4.1.2.8: a BIT STRING of any length. Its content octets, of which the first counts the unused bits of the last. */
function readUniqueId(reader: DerReader, version: 1 | 2 | 3, name: string, tag: number): Bytes | undefined {
  if (reader.peek() !== tag) return undefined;
  if (version === 1) reader.fail('X509_VERSION', name, 'stands in a certificate of version 1');
  const content = reader.content(tag, name);
  const unused = content[0] ?? 8;
  const last = content.length > 1 ? content.at(-1)! : 0;
  if (unused > 7 || (content.length === 1 && unused > 0) || (last & ((1 << unused) - 1)) !== 0) {
    reader.fail('DER_VALUE', name, 'is a BIT STRING with unused bits that are not zero');
  }
  return content;
}

/** §4.1.2.9. */
function readTbsExtensions(reader: DerReader, version: 1 | 2 | 3): CertificateExtensions {
  if (reader.peek() !== explicit(3)) return NO_EXTENSIONS;
  if (version !== 3) reader.fail('X509_VERSION', 'extensions', `stand in a certificate of version ${version}`);
  reader.enter(explicit(3), 'extensions');
  const extensions = readCertificateExtensions(reader, '');
  reader.leave();
  return extensions;
}

/** What a new certificate says. A decoded one gives all of it, with `extensions.all` as `extensions`. */
export type TbsCertificateFields = {
  /** 3 where nothing else is said. */
  readonly version?: Certificate['version'];
  /** Content octets of the INTEGER. */
  readonly serial: Bytes;
  readonly signatureAlgorithm: Pick<AlgorithmIdentifier, 'raw'>;
  readonly issuer: Pick<Name, 'raw'>;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly subject: Pick<Name, 'raw'>;
  readonly publicKey: Pick<PublicKeyInfo, 'raw'>;
  readonly issuerUniqueId?: Bytes | undefined;
  readonly subjectUniqueId?: Bytes | undefined;
  readonly extensions: readonly RawExtension[];
};

/** The DER of a TBSCertificate: what is to be signed. */
export function encodeTbsCertificate(fields: TbsCertificateFields): Uint8Array<ArrayBuffer> {
  const writer = new DerWriter().open(Tag.SEQUENCE);
  const version = fields.version ?? 3;
  if (version > 1)
    writer
      .open(explicit(0))
      .integer(version - 1)
      .close();
  writer.integerContent(fields.serial).raw(fields.signatureAlgorithm.raw).raw(fields.issuer.raw).open(Tag.SEQUENCE);
  writeTime(writer, fields.notBefore);
  writeTime(writer, fields.notAfter);
  writer.close().raw(fields.subject.raw).raw(fields.publicKey.raw);
  if (fields.issuerUniqueId !== undefined) writer.primitive(implicit(1), fields.issuerUniqueId);
  if (fields.subjectUniqueId !== undefined) writer.primitive(implicit(2), fields.subjectUniqueId);
  if (fields.extensions.length > 0) {
    writer.open(explicit(3));
    writeExtensions(writer, fields.extensions);
    writer.close();
  }
  return writer.close().finish();
}

export const encodeCertificate = encodeSigned;
