import { createHash, createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

export const ACCESS_KEY = 'AKIDLOCAL';
export const SECRET_KEY = 'local/secret+key';

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

/** Checks Signature Version 4 by its own reading of the documents. */
export function isSigned(request: IncomingMessage, body: string, wanted: string): boolean {
  const authorization = request.headers.authorization ?? '';
  const [, id, day, region, service, names = '', signature] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
      authorization,
    ) ?? [];
  if (id !== ACCESS_KEY || !['host', 'x-amz-date', 'x-amz-target'].every((name) => names.split(';').includes(name))) {
    return false;
  }
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
  const headerLines = names.split(';').map((name) => `${name}:${String(request.headers[name])}\n`);
  const canonical = `POST\n${request.url}\n\n${headerLines.join('')}\n${names}\n${sha256(body)}`;
  const date = String(request.headers['x-amz-date']);
  const text = `AWS4-HMAC-SHA256\n${date}\n${day}/${region}/${service}/aws4_request\n${sha256(canonical)}`;
  const key = hmac(hmac(hmac(hmac(`AWS4${SECRET_KEY}`, day!), region!), service!), 'aws4_request');
  return date.startsWith(day!) && service === wanted && hmac(key, text).toString('hex') === signature;
}
