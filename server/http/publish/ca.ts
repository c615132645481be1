import { hash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { encodeCertsOnly, encodePem } from '@licet/format';
import { HttpError } from '../../problem.ts';
import type { FastPath } from '../dispatcher.ts';
import { hasTag } from '../conditional.ts';

/** What is published of an authority. */
export type PublishedAuthority = {
  /** DER: its own certificate, then those above it, the root last. */
  readonly chain: readonly [Uint8Array, ...Uint8Array[]];
};

export type Bootstrap = {
  /** The root certificates that clients of this server anchor their trust in, DER. */
  readonly roots: readonly Uint8Array[];
  /** Where the protocols are spoken, if it is known. */
  readonly server: string | undefined;
};

export type CaPublisher = {
  /** By its key identifier. */
  find(keyIdentifier: Uint8Array): Promise<PublishedAuthority | undefined>;
  bootstrap(): Promise<Bootstrap>;
};

type Document = { readonly type: string; readonly body: Uint8Array | string };

/** A certificate under the address of its key changes only when the CA is certified anew. */
const MAX_AGE_SECONDS = 3600;

const FORMS: Readonly<Record<string, (authority: PublishedAuthority) => Document>> = {
  // RFC 5280 §4.2.2.1 wants DER under the address that stands in certificates.
  cer: ({ chain }) => ({ type: 'application/pkix-cert', body: chain[0] }),
  pem: ({ chain }) => ({ type: 'application/pem-certificate-chain', body: pem(chain.slice(0, 1)) }),
  'chain.p7c': ({ chain }) => ({ type: 'application/pkcs7-mime; smime-type=certs-only', body: encodeCertsOnly(chain) }),
  'chain.pem': ({ chain }) => ({ type: 'application/pem-certificate-chain', body: pem(chain) }),
};

const pem = (certificates: readonly Uint8Array[]): string =>
  certificates.map((der) => encodePem('CERTIFICATE', der)).join('');

const ADDRESS = /^\/ca\/([\da-f]{40})\.(cer|pem|chain\.p7c|chain\.pem)$/;

/**
 * `GET /ca/…`: certificates and chains of authorities for whoever builds a path, and what a newcomer needs to begin.
 *
 *     /ca/bootstrap.json         the roots with their fingerprints, and where the server is
 *     /ca/roots.pem              the roots, as curl --cacert and trust stores take them
 *     /ca/<key id>.cer|.pem      one certificate, DER or PEM: the address that stands in certificates
 *     /ca/<key id>.chain.pem     with all above it; chain.p7c: the same in DER
 */
export function caFastPath(publisher: CaPublisher): FastPath {
  return {
    method: 'GET',
    prefix: '/ca',
    async handle(request, response) {
      const document = await documentAt((request.url ?? '').split('?')[0]!, publisher);
      if (document === undefined) {
        throw new HttpError(404, 'CERTIFICATE_NOT_FOUND', 'No authority publishes a certificate under this address.');
      }
      send(document, request, response);
    },
  };
}

async function documentAt(path: string, publisher: CaPublisher): Promise<Document | undefined> {
  if (path === '/ca/bootstrap.json') return bootstrapDocument(await publisher.bootstrap());
  if (path === '/ca/roots.pem') {
    const { roots } = await publisher.bootstrap();
    return roots.length === 0 ? undefined : { type: 'application/pem-certificate-chain', body: pem(roots) };
  }
  const [, keyIdentifier, form] = ADDRESS.exec(path) ?? [];
  if (keyIdentifier === undefined || form === undefined) return undefined;
  const authority = await publisher.find(Buffer.from(keyIdentifier, 'hex'));
  return authority && FORMS[form]?.(authority);
}

/** A fingerprint that came another way (paper, telephone) is what makes the rest of this worth believing. */
function bootstrapDocument({ roots, server }: Bootstrap): Document {
  const body = {
    roots: roots.map((der) => ({
      sha256: hash('sha256', der, 'hex').toUpperCase().match(/../g)!.join(':'),
      certificate: encodePem('CERTIFICATE', der),
    })),
    ...(server !== undefined && { server, est: `${server}/.well-known/est`, api: `${server}/api/v1` }),
  };
  return { type: 'application/json', body: `${JSON.stringify(body, null, 2)}\n` };
}

function send({ type, body }: Document, request: IncomingMessage, response: ServerResponse): void {
  const bytes = Buffer.from(body);
  const etag = `"${hash('sha256', bytes, 'hex').slice(0, 32)}"`;
  response.setHeader('ETag', etag);
  response.setHeader('Cache-Control', `public, max-age=${MAX_AGE_SECONDS}`);
  if (hasTag(request, etag)) {
    response.writeHead(304).end();
    return;
  }
  response.setHeader('Content-Type', type);
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Content-Length', bytes.length);
  response.writeHead(200).end(request.method === 'HEAD' ? undefined : bytes);
}
