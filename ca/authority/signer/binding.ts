import { FormatError, decodeCertificate, type Certificate } from '@licet/format';
import { isSignedBy } from '../issue/signatures.ts';
import { refuse, type BoundKey } from './policy/bound-key.ts';
import { checkOwnCertificate } from './policy/certificate.ts';

/**
 * Whether a key may be bound to a certificate. From then on this certificate is what the signer measures requests
 * against, so its issuer's signature is checked here: a server that was broken into cannot write one for itself.
 * Gives the issuer; undefined for a root, which is its own.
 */
export function checkBinding(
  key: BoundKey,
  certificateDer: Uint8Array,
  issuerDer: Uint8Array | undefined,
): Certificate | undefined {
  const certificate = decode(key, certificateDer);
  checkOwnCertificate(key, certificate);
  const issuer = issuerDer === undefined ? certificate : decode(key, issuerDer);
  if (Buffer.compare(issuer.subject.raw, certificate.issuer.raw) !== 0) refuse(key, 'the issuer given is another one');
  if (issuer.extensions.basicConstraints?.ca !== true) refuse(key, 'the issuer given is no certificate authority');
  if (!isIssuedBy(certificate, issuer)) refuse(key, 'the certificate is not signed by the issuer given');
  return issuer === certificate ? undefined : issuer;
}

/** Whether one of `trusted` is this issuer, or signed it. */
export function isVouchedFor(issuer: Certificate, trusted: readonly Certificate[]): boolean {
  return trusted.some(
    (certificate) => Buffer.compare(certificate.der, issuer.der) === 0 || isIssuedBy(issuer, certificate),
  );
}

function isIssuedBy(certificate: Certificate, issuer: Certificate): boolean {
  if (Buffer.compare(issuer.subject.raw, certificate.issuer.raw) !== 0) return false;
  const { signatureAlgorithm, tbs, signature } = certificate;
  return isSignedBy(issuer.publicKey, signatureAlgorithm, tbs, signature);
}

function decode(key: BoundKey, der: Uint8Array): Certificate {
  try {
    return decodeCertificate(der);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return refuse(key, `this is no certificate (${error.message})`, { cause: error });
  }
}
