import { request as httpsRequest, type RequestOptions } from 'node:https';
import { type Bytes, decodeCertificate, decodeCertsOnly, encodePem, fromBase64, toBase64, toHex } from '@licet/format';
import type { EstServer } from './est-server.ts';
import { csrFor, newKeys } from './requests.ts';

export type Got = { status: number; headers: Record<string, string | string[] | undefined>; body: string };
export type Asking = Omit<RequestOptions, 'headers'> & { headers?: Record<string, string>; body?: string | Uint8Array };

export const wrap = (der: Bytes) => toBase64(der).replaceAll(/.{1,64}/g, '$&\n');
export const basic = (secret: string) => `Basic ${Buffer.from(`any:${secret}`).toString('base64')}`;
export const PKCS10 = { 'content-type': 'application/pkcs10' };

export function ask(server: EstServer, path: string, { body, ...options }: Asking = {}): Promise<Got> {
  const settings = { host: 'localhost', port: server.port, path, rejectUnauthorized: false, agent: false, ...options };
  return new Promise((resolve, reject) => {
    const request = httpsRequest(settings, (response) => {
      let text = '';
      response.setEncoding('latin1').on('data', (part: string) => (text += part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

export const enrol = (server: EstServer, body: string | Uint8Array, more: Asking = {}): Promise<Got> => {
  const { headers, ...rest } = more;
  const all: Record<string, string> = { ...PKCS10, authorization: basic(server.office.token()), ...headers };
  return ask(server, '/.well-known/est/simpleenroll', { method: 'POST', body, headers: all, ...rest });
};

/** A site with its license. */
export async function licensed(server: EstServer) {
  const keys = newKeys();
  const answer = await enrol(server, wrap(csrFor({ keys })));
  const [der] = decodeCertsOnly(fromBase64(answer.body, 'lenient'));
  const certificate = decodeCertificate(der!);
  const tls = {
    cert: encodePem('CERTIFICATE', der!),
    key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
  const renew = (body: string | Uint8Array, more: Asking = {}) => {
    const path = '/.well-known/est/simplereenroll';
    return ask(server, path, { method: 'POST', body, headers: PKCS10, ...tls, ...more });
  };
  return { certificate, keys, tls, renew, serial: toHex(certificate.serial) };
}
