const BEGIN = '-----BEGIN X509 CRL-----\n';
const END = '-----END X509 CRL-----\n';
/** RFC 7468 §2: 64 characters to a line, which 48 octets give. */
const LINE_OCTETS = 48;
const LINE = 64;
const PIECE_OCTETS = LINE_OCTETS * 1024;

export function pemLength(octets: number): number {
  const text = Math.ceil(octets / 3) * 4;
  return BEGIN.length + text + Math.ceil(text / LINE) + END.length;
}

/** Piece by piece; each ends with a line. */
export function* pemOf(der: Uint8Array): Generator<string> {
  yield BEGIN;
  for (let at = 0; at < der.length; at += PIECE_OCTETS) {
    const piece = der.subarray(at, at + PIECE_OCTETS);
    const text = Buffer.from(piece.buffer, piece.byteOffset, piece.length).toString('base64');
    yield text.replace(/.{1,64}/g, '$&\n');
  }
  yield END;
}
