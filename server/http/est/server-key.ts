import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import {
  type Bytes,
  type CertificationRequest,
  createAlgorithm,
  encodeCertificationRequest,
  encodeCertificationRequestInfo,
  OID,
} from '@licet/format';
import { LicetError } from '../../licensing/errors.ts';
import { HttpError } from '../../problem.ts';
import { toTransfer, type Wrapping } from './transfer.ts';

export type ServerMadeKey = {
  /** PKCS#8, DER. */
  readonly privateKey: Bytes;
  /** A request like the client's, but for the new key and signed by it. */
  readonly csr: Bytes;
};

/** RFC 7030 §4.4.1: by these a request wants the key encrypted once more, with a key that both ends know already. */
const ENCRYPTION_WANTED: readonly string[] = [
  '1.2.840.113549.1.9.16.2.37', // DecryptKeyIdentifier, RFC 4108 §2.2.5
  '1.2.840.113549.1.9.16.2.54', // AsymmetricDecryptKeyIdentifier
];

/** There is no such key here, and then the request MUST end: what was to be encrypted does not go out in the clear. */
export function assertPlainKeyWanted({ attributes }: CertificationRequest): void {
  if (!attributes.some(({ oid }) => ENCRYPTION_WANTED.includes(oid))) return;
  const message =
    'This server has no key to encrypt the new key with; make the key at the site, or ask for it as it is.';
  throw new HttpError(400, 'KEY_ENCRYPTION_UNAVAILABLE', message);
}

/**
 * The ratchet takes a second request of one license for that of a clone, unless it is for the same new key. That key is not
 * kept here, so a site that has lost the answer could not ask again without an alarm.
 */
export const keyWantedAtSite = (): LicetError =>
  new LicetError(
    'conflict',
    'SERVER_KEY_AT_RENEWAL',
    'This server makes no key for a renewal, since a lost answer could not be asked for again; make the key at the site and use simplereenroll, or enrol anew with a token.',
  );

/** RFC 7030 §4.4: for a site that cannot make a key. It is never stored here and leaves with the one answer. */
export function makeServerKey(request: CertificationRequest): ServerMadeKey {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const info = encodeCertificationRequestInfo({
    subject: request.subject,
    publicKey: { raw: publicKey.export({ type: 'spki', format: 'der' }) },
    // The channel binding was for the request that came, and is checked by now.
    attributes: request.attributes.filter(({ oid }) => oid !== OID.challengePassword),
  });
  return {
    privateKey: privateKey.export({ type: 'pkcs8', format: 'der' }),
    csr: encodeCertificationRequest(info, createAlgorithm(OID.ecdsaWithSha256), sign('sha256', info, privateKey)),
  };
}

/** RFC 7030 §4.4.2: the key, then the certificate, as simpleenroll answers it. */
export function keyAndCertificate(
  privateKey: Bytes,
  certificate: { readonly type: string; readonly bytes: Bytes },
  wrapping: Wrapping,
): { readonly type: string; readonly body: string } {
  const boundary = `licet-${randomBytes(16).toString('hex')}`;
  const part = (type: string, bytes: Bytes): string =>
    [`--${boundary}`, `Content-Type: ${type}`, 'Content-Transfer-Encoding: base64', '', toTransfer(bytes, wrapping)]
      .join('\r\n')
      .trimEnd();
  const body = [
    part('application/pkcs8', privateKey),
    part(certificate.type, certificate.bytes),
    `--${boundary}--`,
    '',
  ].join('\r\n');
  return { type: `multipart/mixed; boundary=${boundary}`, body };
}
