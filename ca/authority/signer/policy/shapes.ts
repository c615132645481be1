import { OID, type Certificate } from '@licet/format';
import type { KeyPurpose } from '../../ports/signer.ts';

/** What a certificate is for, read from its bytes. One that fits no shape, or more than one, is never signed. */
export type Shape = 'root' | 'link' | 'authority' | 'service-authority' | 'license' | 'ocsp' | 'manifest' | 'tls';

/** The certificates that a key of each purpose may sign. What is not listed is refused. */
export const MAY_SIGN: Readonly<Record<KeyPurpose, readonly Shape[]>> = {
  root: ['link', 'authority', 'service-authority', 'ocsp'],
  organization: ['authority', 'ocsp', 'manifest'],
  enterprise: ['license', 'ocsp'],
  service: ['tls', 'ocsp'],
  ocsp: [],
  manifest: [],
  token: [],
  tls: [],
};

/** The shape that the certificate of a key of each purpose itself has. */
export const OWN_SHAPE: Readonly<Record<KeyPurpose, Shape | undefined>> = {
  root: 'root',
  organization: 'authority',
  enterprise: 'authority',
  service: 'service-authority',
  ocsp: 'ocsp',
  manifest: 'manifest',
  token: undefined,
  tls: 'tls',
};

/** Shapes that speak for a tenant in their subject, and so must name it. */
export const NAMES_TENANT: readonly Shape[] = ['authority', 'license', 'manifest'];

type Shaped = Pick<Certificate, 'extensions' | 'issuer' | 'subject'>;

export function shapeOf(certificate: Shaped): Shape | undefined {
  const { basicConstraints, keyUsage, extendedKeyUsage, certificatePolicies, all } = certificate.extensions;
  const hasClaims = all.some(({ oid }) => oid === OID.licenseClaims);
  if (keyUsage === undefined) return undefined;
  if (basicConstraints?.ca === true) {
    // RFC 5280 §4.2.1.12 has no meaning for purposes in a CA certificate, and some verifiers read them as a limit.
    if (!keyUsage.has('keyCertSign') || extendedKeyUsage !== undefined) return undefined;
    if (hasClaims) return 'authority';
    if (Buffer.compare(certificate.issuer.raw, certificate.subject.raw) !== 0) return 'service-authority';
    // One key of a root vouches for the next (RFC 4210 §4.4): not an anchor, so it must say that policies go on below.
    return certificatePolicies?.some(({ oid }) => oid === OID.anyPolicy) === true ? 'link' : 'root';
  }
  if (keyUsage.has('keyCertSign') || keyUsage.has('cRLSign')) return undefined;
  const shape = leafShape(extendedKeyUsage ?? []);
  return hasClaims === (shape === 'license') ? shape : undefined;
}

function leafShape(purposes: readonly string[]): Shape | undefined {
  const [first, ...rest] = purposes.filter((oid) => oid !== OID.clientAuth);
  if (first === undefined || rest.length > 0) return undefined;
  const alone = purposes.length === 1;
  switch (first) {
    case OID.licensePurpose:
      return 'license';
    case OID.serverAuth:
      return 'tls';
    case OID.ocspSigning:
      return alone ? 'ocsp' : undefined;
    case OID.manifestPurpose:
      return alone ? 'manifest' : undefined;
    default:
      return undefined;
  }
}
