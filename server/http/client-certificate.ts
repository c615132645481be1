import { X509Certificate } from 'node:crypto';
import { TLSSocket } from 'node:tls';
import type { Request } from 'express';
import { type Bytes, decodePem, FormatError, fromBase64 } from '@licet/format';
import { LicetError } from '../licensing/errors.ts';

/** The setting of the app beside Express's own "trust proxy": in which header proxies forward the certificate. */
export const CLIENT_CERTIFICATE_HEADER = 'client certificate header';

/** What Express compiles "trust proxy" into. Hop 0 is who is connected to us. */
type Trust = (address: string, hop: number) => boolean;

/**
 * The certificate of the TLS client, DER; TLS has seen to it that it holds the key. Behind a proxy that ends TLS the proxy
 * has, and says so in the header that is named in the configuration. What else it sends is not looked at: which CAs stand
 * above a license we know ourselves.
 */
export function clientCertificate(request: Request): Bytes | undefined {
  const header = request.app.get(CLIENT_CERTIFICATE_HEADER) as string | undefined;
  if (header === undefined) return peerOf(request)?.raw;
  const forwarded = request.get(header) ?? '';
  const trust = request.app.get('trust proxy fn') as Trust;
  const address = request.socket.remoteAddress ?? '';
  // The certificate of a proxy itself is not that of its client.
  if (trust(address, 0)) return forwarded === '' ? undefined : readForwarded(header, forwarded);
  if (forwarded === '') return peerOf(request)?.raw;
  const message =
    `The header ${header} is believed from the proxies of http.trustProxy only, and ${address} is none: leave it out, ` +
    'or add the address of the proxy there.';
  throw new LicetError('forbidden', 'FORWARDER_NOT_TRUSTED', message);
}

/** When the license ends that a TLS client shows, as it says itself. */
export function shownEnd(request: Request): Date | undefined {
  const isForwarded = request.app.get(CLIENT_CERTIFICATE_HEADER) !== undefined;
  if (!isForwarded) return peerOf(request)?.validToDate;
  try {
    const license = clientCertificate(request);
    return license && new X509Certificate(license).validToDate;
  } catch {
    return undefined; // what it really is, whoever needs it says
  }
}

const peerOf = ({ socket }: Request): X509Certificate | undefined =>
  socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;

/** RFC 9440 (`:base64 of DER:`), and what nginx and load balancers send instead: PEM, percent-encoded. */
function readForwarded(header: string, value: string): Bytes | undefined {
  try {
    const [, base64] = /^:([^:]+):$/.exec(value) ?? [];
    if (base64 !== undefined) return fromBase64(base64);
    return decodePem(decodeURIComponent(value), 'CERTIFICATE')[0]?.bytes;
  } catch (cause) {
    if (!(cause instanceof FormatError || cause instanceof URIError)) throw cause;
    const message = `The header ${header} holds no certificate: base64 of DER between two colons (RFC 9440), or PEM, percent-encoded.`;
    throw new LicetError('invalid', 'FORWARDED_CERTIFICATE_MALFORMED', message, { cause });
  }
}
