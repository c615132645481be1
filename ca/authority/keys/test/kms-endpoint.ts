import { execFileSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isSigned } from '@licet/keystores/testing';

/** Speaks the part of the AWS KMS API that we use, and checks Signature Version 4 by its own reading of the documents. */
export type KmsEndpoint = {
  readonly url: string;
  readonly keys: Map<string, { description: string; readonly privateKey: KeyObject; readonly spec: string }>;
  /** Set to answer every call with this status instead. */
  failWith: number | undefined;
  close(): Promise<void>;
};

const CURVES: Readonly<Record<string, string>> = { ECC_NIST_P256: 'P-256', ECC_NIST_P384: 'P-384' };

export async function startKmsEndpoint(): Promise<KmsEndpoint> {
  const keys: KmsEndpoint['keys'] = new Map();

  function perform(action: string, input: Record<string, string>): object | undefined {
    if (action === 'CreateKey') {
      const curve = CURVES[input['KeySpec']!];
      const { privateKey } =
        curve === undefined
          ? generateKeyPairSync('rsa', { modulusLength: 3072 })
          : generateKeyPairSync('ec', { namedCurve: curve });
      const arn = `arn:aws:kms:eu-central-1:000000000000:key/${randomUUID()}`;
      keys.set(arn, { description: '', privateKey, spec: input['KeySpec']! });
      return { KeyMetadata: { Arn: arn, Description: '' } };
    }
    const key = keys.get(input['KeyId']!);
    if (key === undefined) return undefined;
    const spki = () => createPublicKey(key.privateKey).export({ type: 'spki', format: 'der' });
    switch (action) {
      case 'GetPublicKey':
        return { PublicKey: spki().toString('base64'), KeySpec: key.spec };
      case 'DescribeKey':
        return { KeyMetadata: { Arn: input['KeyId'], Description: key.description } };
      case 'UpdateKeyDescription':
        key.description = input['Description']!;
        return {};
      case 'Sign':
        return { Signature: signDigest(key.privateKey, input) };
      default:
        return undefined;
    }
  }

  const server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const answer = (status: number, content: object) => response.writeHead(status).end(JSON.stringify(content));
      if (endpoint.failWith !== undefined) return answer(endpoint.failWith, { __type: 'KMSInternalException' });
      if (!isSigned(request, body, 'kms')) return answer(400, { __type: 'IncompleteSignatureException' });
      const action = String(request.headers['x-amz-target']).replace('TrentService.', '');
      const result = perform(action, JSON.parse(body) as Record<string, string>);
      return result === undefined ? answer(400, { __type: 'NotFoundException' }) : answer(200, result);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint: KmsEndpoint = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    keys,
    failWith: undefined,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return endpoint;
}

/** Node signs messages and KMS is given a digest, so openssl does it. */
function signDigest(key: KeyObject, input: Record<string, string>): string {
  if (input['MessageType'] !== 'DIGEST') throw new Error('only digests are sent');
  const folder = mkdtempSync(join(tmpdir(), 'licet-kms-'));
  try {
    writeFileSync(join(folder, 'key'), key.export({ type: 'pkcs8', format: 'pem' }));
    const digest = input['SigningAlgorithm'] === 'ECDSA_SHA_384' ? 'sha384' : 'sha256';
    return execFileSync(
      'openssl',
      ['pkeyutl', '-sign', '-inkey', join(folder, 'key'), '-pkeyopt', `digest:${digest}`],
      {
        input: Buffer.from(input['Message']!, 'base64'),
      },
    ).toString('base64');
  } finally {
    rmSync(folder, { recursive: true });
  }
}
