import {
  createECDH,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  privateEncrypt,
  randomUUID,
} from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { rawToDer } from '@licet/keystores';
import { isSigned } from '@licet/keystores/testing';

/** Speaks the part of the AWS KMS API that we use, and checks Signature Version 4 by its own reading of the documents. */
export type KmsEndpoint = {
  readonly url: string;
  readonly keys: Map<string, { description: string; readonly privateKey: KeyObject; readonly spec: string }>;
  /** Set to answer every call with this status instead. */
  failWith: number | undefined;
  /** What was asked of it, e.g. `Sign`. */
  readonly calls: string[];
  close(): Promise<void>;
};

const FAILURES: Readonly<Record<number, object>> = {
  400: { __type: 'AccessDeniedException', message: 'User: arn:aws:iam::000000000000:user/licet is not authorized' },
  500: { __type: 'KMSInternalException' },
};

const CURVES: Readonly<Record<string, string>> = { ECC_NIST_P256: 'P-256', ECC_NIST_P384: 'P-384' };

export async function startKmsEndpoint(port = 0): Promise<KmsEndpoint> {
  const keys: KmsEndpoint['keys'] = new Map();

  function perform(action: string, input: Record<string, string>): object | undefined {
    if (action === 'CreateKey') {
      const curve = CURVES[input['KeySpec']!];
      const { privateKey } =
        curve === undefined
          ? generateKeyPairSync('rsa', { modulusLength: 3072 })
          : generateKeyPairSync('ec', { namedCurve: curve });
      const arn = `arn:aws:kms:eu-central-1:000000000000:key/${randomUUID()}`;
      const description = input['Description'] ?? '';
      keys.set(arn, { description, privateKey, spec: input['KeySpec']! });
      return { KeyMetadata: { Arn: arn, Description: description } };
    }
    const key = keys.get(input['KeyId']!);
    if (key === undefined) return undefined;
    const spki = () => createPublicKey(key.privateKey).export({ type: 'spki', format: 'der' });
    switch (action) {
      case 'GetPublicKey':
        return { PublicKey: spki().toString('base64'), KeySpec: key.spec };
      case 'DescribeKey':
        return { KeyMetadata: { Arn: input['KeyId'], Description: key.description } };
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
      if (endpoint.failWith !== undefined) return answer(endpoint.failWith, FAILURES[endpoint.failWith] ?? {});
      if (!isSigned(request, body, 'kms')) return answer(400, { __type: 'IncompleteSignatureException' });
      const action = String(request.headers['x-amz-target']).replace('TrentService.', '');
      endpoint.calls.push(action);
      const result = perform(action, JSON.parse(body) as Record<string, string>);
      return result === undefined ? answer(400, { __type: 'NotFoundException' }) : answer(200, result);
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const endpoint: KmsEndpoint = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    keys,
    failWith: undefined,
    calls: [],
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return endpoint;
}

/** Node signs messages and KMS is given a digest. */
function signDigest(key: KeyObject, { MessageType, Message = '', SigningAlgorithm }: Record<string, string>): string {
  if (MessageType !== 'DIGEST') throw new Error('only digests are sent');
  const digest = Buffer.from(Message, 'base64');
  if (SigningAlgorithm === 'RSASSA_PKCS1_V1_5_SHA_256') {
    return privateEncrypt(key, Buffer.concat([SHA256_INFO, digest])).toString('base64');
  }
  return Buffer.from(ecdsa(key, digest)).toString('base64');
}

/** RFC 8017 §9.2, note 1. */
const SHA256_INFO = Buffer.from('3031300d060960864801650304020105000420', 'hex');

const ORDERS: Readonly<Record<string, readonly [curve: string, order: bigint]>> = {
  'P-256': ['prime256v1', 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n],
  'P-384': [
    'secp384r1',
    0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  ],
};

/** FIPS 186-5 §6.4.1; the multiplication by the base point is what ECDH does to get a public key. */
function ecdsa(key: KeyObject, digest: Buffer): Uint8Array {
  const { crv = '', d = '' } = key.export({ format: 'jwk' });
  const [curve, order] = ORDERS[crv]!;
  const size = digest.length;
  const nonce = createECDH(curve);
  const point = nonce.generateKeys();
  const k = numberOf(nonce.getPrivateKey());
  const r = numberOf(point.subarray(1, 1 + size)) % order;
  const s = (power(k, order - 2n, order) * (numberOf(digest) + r * numberOf(Buffer.from(d, 'base64url')))) % order;
  const raw = [r, s].map((number) => number.toString(16).padStart(2 * size, '0')).join('');
  return rawToDer(Buffer.from(raw, 'hex'));
}

const numberOf = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString('hex')}`);

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (let square = base % modulus, left = exponent; left > 0n; left >>= 1n, square = (square * square) % modulus) {
    if (left & 1n) result = (result * square) % modulus;
  }
  return result;
}
