import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import {
  type Bytes,
  type CertificationRequest,
  createAlgorithm,
  createName,
  encodeCertificationRequest,
  encodeCertificationRequestInfo,
  type Name,
  OID,
} from '@licet/format';
import { AgentError } from './errors.ts';

/** The key of a license, P-256. It is born here and never leaves. */
export type SiteKey = {
  /** What lies in `site.key`: the key itself (PKCS#8), or the address of one that lies elsewhere (RFC 7512). */
  readonly text: string;
  /** SubjectPublicKeyInfo. */
  readonly publicKey: Bytes;
  /** ECDSA with SHA-256, as DER. */
  sign(message: Uint8Array): Promise<Uint8Array>;
  /** For a TLS handshake, as PEM; undefined for a key that cannot be handed to one. */
  readonly tls: string | undefined;
};

/** Where keys are made and found again. */
export type SiteKeys = {
  make(): Promise<SiteKey>;
  /** By what lies in `site.key`. */
  open(text: string): Promise<SiteKey>;
  /** One that no license is for any more. */
  forget(text: string): Promise<void>;
  close(): Promise<void>;
};

export const fileKeys: SiteKeys = {
  make: () => Promise.resolve(fileKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)),
  open: (text) => Promise.resolve(fileKey(fromPem(text))),
  // It went with the folder that it lay in.
  forget: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

function fromPem(text: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch (cause) {
    throw new AgentError('STATE_DAMAGED', 'site.key holds no private key: restore it, or enrol anew with a new kit.', {
      cause,
    });
  }
}

function fileKey(key: KeyObject): SiteKey {
  const text = key.export({ type: 'pkcs8', format: 'pem' }).toString();
  return {
    text,
    tls: text,
    publicKey: new Uint8Array(createPublicKey(key).export({ type: 'spki', format: 'der' })),
    sign: (message) => Promise.resolve(new Uint8Array(sign('sha256', message, key))),
  };
}

/** Empty without a name: then the token says it, and what a request says beside that would have to be the same. */
export function subjectFor(name: string | undefined): Name {
  return createName(name === undefined ? [] : [{ type: 'commonName', value: name }]);
}

/**
 * A PKCS#10 request. The authority decides on names and rights and takes only the key from it; a renewal repeats the
 * subject of the license because RFC 7030 §4.2.2 demands it.
 */
export async function makeRequest(
  key: SiteKey,
  subject: Name,
  attributes: CertificationRequest['attributes'],
): Promise<Uint8Array<ArrayBuffer>> {
  const info = encodeCertificationRequestInfo({ subject, publicKey: { raw: key.publicKey }, attributes });
  const signature = new Uint8Array(await key.sign(info));
  return encodeCertificationRequest(info, createAlgorithm(OID.ecdsaWithSha256), signature);
}
