import { FormatError } from '@licet/format';

const BASE64 = /^[A-Za-z0-9+/]*$/;

/**
 * The request in the path of a GET (RFC 6960 A.1), in every form in which clients and what stands between send it:
 * percent-encoded or bare, `+` that became a space, in lines as `openssl base64` writes them, without padding, with the
 * alphabet of base64url, and with a slash doubled behind the prefix. Slashes inside belong to the base64 and stay as they are.
 */
export function requestInPath(url: string, prefix: string): Uint8Array {
  const text = decodePercent(url.slice(prefix.length).replace(/\?.*$/s, ''))
    .replace(/^\/+|[\r\n]/g, '')
    .replaceAll(' ', '+')
    .replaceAll('-', '+')
    .replaceAll('_', '/')
    .replace(/=+$/, '');
  // A length of 4n+1 holds no whole octet at its end; Buffer would let it pass.
  if (!BASE64.test(text) || text.length % 4 === 1) throw malformed('is no base64');
  return Buffer.from(text, 'base64');
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw malformed('has a percent sign that stands for nothing');
  }
}

const malformed = (why: string) => new FormatError('TEXT_INVALID', '', `The path of the OCSP request ${why}.`);
