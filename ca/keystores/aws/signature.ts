import { createHmac, hash } from 'node:crypto';
import type { AwsCredentials } from './credentials.ts';

export type AwsRequest = {
  readonly host: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** AWS Signature Version 4 of a POST, as its documentation describes it step by step. Gives all headers to be sent. */
export function signAwsRequest(
  request: AwsRequest,
  credentials: AwsCredentials,
  scope: { readonly region: string; readonly service: string; readonly at: Date },
): Record<string, string> {
  const time = `${scope.at.toISOString().replaceAll(/[-:]/g, '').slice(0, 15)}Z`;
  const { sessionToken } = credentials;
  const headers: Record<string, string> = {
    ...request.headers,
    host: request.host,
    'x-amz-date': time,
    ...(sessionToken !== undefined && { 'x-amz-security-token': sessionToken }),
  };
  const names = Object.keys(headers).toSorted();
  const signedHeaders = names.join(';');
  const canonical = [
    'POST',
    request.path,
    '',
    ...names.map((name) => `${name}:${headers[name]?.trim()}`),
    '',
    signedHeaders,
    hash('sha256', request.body),
  ].join('\n');
  const day = time.slice(0, 8);
  const credentialScope = `${day}/${scope.region}/${scope.service}/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', time, credentialScope, hash('sha256', canonical)].join('\n');
  const key = [scope.region, scope.service, 'aws4_request'].reduce(
    (previous, step) => hmac(previous, step),
    hmac(`AWS4${credentials.secretAccessKey}`, day),
  );
  const authorization =
    `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${credentialScope}, ` +
    `SignedHeaders=${signedHeaders}, Signature=${hmac(key, toSign).toString('hex')}`;
  return { ...headers, authorization };
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
