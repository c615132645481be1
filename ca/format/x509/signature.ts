import type { DerReader } from '../der/reader.ts';
import { Tag } from '../der/tags.ts';
import { DerWriter } from '../der/writer.ts';
import { OID } from '../oids.ts';
import type { AlgorithmIdentifier, Bytes } from './types.ts';

const ECDSA: ReadonlySet<string> = new Set([
  OID.ecdsaWithSha1,
  OID.ecdsaWithSha224,
  OID.ecdsaWithSha256,
  OID.ecdsaWithSha384,
  OID.ecdsaWithSha512,
]);

/** The signature BIT STRING of a certificate, request, CRL or OCSP response. */
export function readSignature(reader: DerReader, algorithm: AlgorithmIdentifier): Bytes {
  const signature = reader.bitString('signature');
  if (ECDSA.has(algorithm.oid) && !isCanonicalEcdsa(signature)) {
    reader.fail('X509_SIGNATURE', 'signature', 'is no canonical ECDSA value: two positive, minimal INTEGERs');
  }
  return signature;
}

/**
 * Ecdsa-Sig-Value, RFC 3279 §2.2.3, exactly: libraries that also read sloppy forms let anyone turn a valid certificate
 * into another valid one. (That `n - s` verifies as well is no matter of encoding, and why certificates are never known
 * by the hash of their whole DER.)
 */
export function isCanonicalEcdsa(signature: Bytes): boolean {
  // 0x81: the values of P-521 take up to 138 octets; nothing takes more than 255.
  const start = signature[1] === 0x81 && signature[2]! >= 0x80 ? 3 : 2;
  const length = start === 3 ? signature[2]! : (signature[1] ?? 0x80);
  if (signature[0] !== Tag.SEQUENCE || (start === 2 && length >= 0x80)) return false;
  if (length !== signature.length - start) return false;
  const s = afterPositive(signature, start);
  return s !== -1 && afterPositive(signature, s) === signature.length;
}

/** Where the INTEGER at `at` ends, if it is positive and minimal, and otherwise -1. */
function afterPositive(bytes: Bytes, at: number): number {
  const length = bytes[at + 1] ?? 0;
  const first = bytes[at + 2];
  if (bytes[at] !== Tag.INTEGER || length === 0 || length >= 0x80 || at + 2 + length > bytes.length) return -1;
  if (first === undefined || first >= 0x80) return -1;
  if (first === 0 && (length === 1 || bytes[at + 3]! < 0x80)) return -1;
  return at + 2 + length;
}

/** Certificate, CertificateList, CertificationRequest: all three are SIGNED (RFC 5280 §4.1, RFC 2986 §4). */
export function encodeSigned(
  tbs: Bytes,
  algorithm: Pick<AlgorithmIdentifier, 'raw'>,
  signature: Bytes,
): Uint8Array<ArrayBuffer> {
  const capacity = tbs.length + algorithm.raw.length + signature.length + 32;
  return new DerWriter(capacity).open(Tag.SEQUENCE).raw(tbs).raw(algorithm.raw).bitString(signature).close().finish();
}
