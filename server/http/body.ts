import { hash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { HttpError } from '../problem.ts';

/** The client went away before its request was whole: there is nobody to answer. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';
}

const tooLarge = (limit: number) =>
  new HttpError(413, 'BODY_TOO_LARGE', `The body is larger than the ${limit} bytes that are allowed here.`, {
    // What is still on its way is not worth reading.
    headers: { Connection: 'close' },
  });

/** Refuses by what the headers say, before a byte of the body is read. */
export function checkBodyHeaders(request: IncomingMessage, limit: number, types: readonly string[]): void {
  if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLarge(limit);
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding.toLowerCase() !== 'identity') {
    // No decompression: nothing sent here is large, and a compressed bomb is not worth defending against.
    throw new HttpError(415, 'ENCODING_UNSUPPORTED', 'Send the body without Content-Encoding.', {
      headers: { 'Accept-Encoding': 'identity' },
    });
  }
  checkType(request.headers['content-type'], types);
}

function checkType(header: string | undefined, types: readonly string[]): void {
  const [type = '', ...parameters] = (header ?? '').split(';').map((part) => part.trim().toLowerCase());
  const charset = parameters.find((parameter) => parameter.startsWith('charset='))?.slice('charset='.length);
  // Of text only (RFC 2046 §4.1.2); some libraries add one to whatever they send.
  const isText = type.startsWith('text/') || type.endsWith('json');
  const headers = { Accept: types.join(', ') };
  if (!types.includes(type)) {
    const message = `Send the body as ${types.join(' or ')} and say so in Content-Type.`;
    throw new HttpError(415, 'TYPE_UNSUPPORTED', message, { headers });
  }
  if (isText && charset !== undefined && !['utf-8', '"utf-8"', 'us-ascii'].includes(charset)) {
    throw new HttpError(415, 'CHARSET_UNSUPPORTED', 'Send the body in UTF-8.', { headers });
  }
}

/** SHA-256 as a header Content-Digest says it of the body (RFC 9530 §2), in base64. Undefined: it says something else. */
export const contentDigest = (header: string): string | undefined =>
  /^sha-256=:([A-Za-z0-9+/]{43}=):$/.exec(header)?.[1];

/** Whoever says what the body is by its hash is taken at their word. Other hashes say nothing to us. */
export function checkDigest({ headers }: IncomingMessage, body: Uint8Array): void {
  const said = contentDigest(String(headers['content-digest']));
  if (said === undefined || said === hash('sha256', body, 'base64')) return;
  throw new HttpError(400, 'DIGEST_MISMATCH', 'The body is not the one of which Content-Digest is the hash.');
}

/** The whole body, or a refusal as soon as it is clear that it is too large. Also for fast paths. */
export function readBody(request: IncomingMessage, response: ServerResponse, limit: number): Promise<Buffer> {
  // `Expect: 100-continue` is answered only here, so a refusal by limit or guard saves the client its upload.
  if (request.headers.expect !== undefined) response.writeContinue();
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limit) chunks.push(chunk);
      else {
        request.pause();
        reject(tooLarge(limit));
      }
    });
    request.once('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size)));
    request.once('error', () => reject(new ClientGone('The client broke off in the middle of its request.')));
    // It comes for every request; an error, which is made with its stack, is only made for who broke off.
    request.once('close', () => {
      if (!request.complete) reject(new ClientGone('The client broke off in the middle of its request.'));
    });
  });
}
