/** Tokens and JWS hold an ECDSA signature as r and s side by side; certificates hold SEQUENCE { r, s } (RFC 3279 §2.2.3). */
export function rawToDer(raw: Uint8Array): Uint8Array {
  const half = raw.length / 2;
  const r = integer(raw.subarray(0, half));
  const s = integer(raw.subarray(half));
  const length = r.length + s.length;
  // P-384 stays below 128 bytes of content, so the length is one octet.
  return Uint8Array.of(0x30, length, ...r, ...s);
}

/** `size`: of one coordinate, in bytes. */
export function derToRaw(der: Uint8Array, size: number): Uint8Array {
  const raw = new Uint8Array(size * 2);
  let at = 2;
  for (const end of [size, size * 2]) {
    const length = der[at + 1] ?? 0;
    const value = der.subarray(at + 2, at + 2 + length);
    const digits = value[0] === 0 ? value.subarray(1) : value;
    if (digits.length > size) throw new RangeError('A number of this signature is too large for its curve.');
    raw.set(digits, end - digits.length);
    at += 2 + length;
  }
  return raw;
}

function integer(digits: Uint8Array): Uint8Array {
  let from = 0;
  while (from < digits.length - 1 && digits[from] === 0) from += 1;
  const value = digits.subarray(from);
  const isNegative = (value[0] ?? 0) >= 0x80;
  return Uint8Array.of(0x02, value.length + (isNegative ? 1 : 0), ...(isNegative ? [0] : []), ...value);
}
