import type { IncomingMessage } from 'node:http';
import type { Response } from 'express';
import { type Bytes, toBase64 } from '@licet/format';

/**
 * How base64 goes over the wire. RFC 8951 leaves line ends to the sender, and clients disagree: strongSwan 5.9 reads
 * only one long line, libest only lines of 64. So the answer has the form of the request.
 */
export type Wrapping = 'lines' | 'flat';

const LINE = 64;
const NEWLINE = 0x0a;

/** The form in which the body came. Plain DER has none; of its bytes some happen to be line ends, and some not. */
export function wrappingOf(body: Bytes): Wrapping {
  return isDer(body) || body.includes(NEWLINE) ? 'lines' : 'flat';
}

// The tag of a SEQUENCE. Base64 of DER never starts with this byte: it starts with "M".
const SEQUENCE = 0x30;

export const isDer = (body: Bytes): boolean => body[0] === SEQUENCE;

/** A GET has no body to go by. strongSwan is the client that names neither itself nor what it accepts. */
export function wrappingFor({ headers }: IncomingMessage): Wrapping {
  return headers['user-agent'] === undefined && headers.accept === undefined ? 'flat' : 'lines';
}

export function toTransfer(bytes: Bytes, wrapping: Wrapping): string {
  const base64 = toBase64(bytes);
  return wrapping === 'flat' ? base64 : base64.replaceAll(new RegExp(`.{1,${LINE}}`, 'g'), '$&\n');
}

/**
 * Content-Length always: strongSwan, libest and Bouncy Castle 1.72 do not read chunks. And Content-Transfer-Encoding,
 * which RFC 8951 §3.1 took back, because Bouncy Castle takes the body for DER without it.
 */
export function sendTransfer(response: Response, type: string, bytes: Bytes, wrapping: Wrapping): void {
  response.setHeader('Content-Transfer-Encoding', 'base64');
  send(response, 200, type, toTransfer(bytes, wrapping));
}

/** By hand, because Express would add a charset to the type and an ETag. */
export function send(response: Response, status: number, type: string, body: string): void {
  response.statusCode = status;
  response.setHeader('Content-Type', type);
  response.setHeader('Content-Length', Buffer.byteLength(body));
  response.end(response.req.method === 'HEAD' ? undefined : body);
}
