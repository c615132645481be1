import { encodePem } from '@licet/format';
import type { SiteKey } from '../house/site-key.ts';
import type { Answer } from './load-process.ts';

export const csrPem = ({ csr }: SiteKey): string => encodePem('CERTIFICATE REQUEST', csr);

/** A request of HTTP/1.1 as it goes over the wire. */
function post(path: string, headers: Readonly<Record<string, string>>, body: string | Uint8Array): Uint8Array {
  const lines = Object.entries({ Host: 'localhost', ...headers, 'Content-Length': Buffer.byteLength(body) });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${head}\r\n`), Buffer.from(body)]);
}

export const apiRequest = (token: string, path: string, body: unknown): Uint8Array =>
  post(path, { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }, JSON.stringify(body));

export const refreshRequest = (token: string, license: string, key: SiteKey): Uint8Array =>
  apiRequest(token, '/api/v1/keys/refresh', { license, csr: csrPem(key) });

export const reenrolRequest = ({ csr }: SiteKey): Uint8Array =>
  post(
    '/.well-known/est/simplereenroll',
    { 'Content-Type': 'application/pkcs10' },
    Buffer.from(csr).toString('base64'),
  );

export const ocspPost = (request: Uint8Array): Uint8Array =>
  post('/ocsp', { 'Content-Type': 'application/ocsp-request' }, request);

/** The body of an answer that is no refusal. */
export function textOf({ status, body }: Answer): string {
  const text = Buffer.from(body).toString('utf8');
  if (status >= 200 && status < 300) return text;
  throw new Error(`The server answered ${status}: ${text}`);
}

export const refreshed = (answer: Answer): string =>
  (JSON.parse(textOf(answer)) as { license: { pem: string } }).license.pem;
