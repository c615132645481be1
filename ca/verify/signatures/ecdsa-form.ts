import { type Bytes, DerWriter, Tag } from '@licet/format';

/**
 * WebCrypto, tokens and HTTP want r and s at full length, one after the other; X.509 has them as a SEQUENCE of two
 * INTEGERs (RFC 3279 §2.2.3). Undefined: this is no such SEQUENCE, or one of numbers that are too large.
 */
export function rawSignature(der: Bytes, octets: number): Bytes | undefined {
  const raw = new Uint8Array(octets * 2);
  let at = der[1] === 0x81 ? 3 : 2;
  for (const end of [octets, octets * 2]) {
    const length = der[at + 1] ?? 0;
    let number = der.subarray(at + 2, at + 2 + length);
    if (number[0] === 0) number = number.subarray(1);
    if (number.length > octets) return undefined;
    raw.set(number, end - number.length);
    at += 2 + length;
  }
  return at === der.length ? raw : undefined;
}

export function derSignature(raw: Bytes): Bytes {
  const octets = raw.length / 2;
  const writer = new DerWriter().open(Tag.SEQUENCE);
  for (const half of [raw.subarray(0, octets), raw.subarray(octets)]) {
    writer.integer(half.reduce((number, octet) => (number << 8n) | BigInt(octet), 0n));
  }
  return writer.close().finish();
}
