import { type Certificate, type KeyUsageBit, OID } from '@licet/format';
import { isCa } from './profile.ts';

/** What the key of the leaf is to be used for: a name from here, or the identifier of any extended key usage. */
export type Purpose = 'serverAuth' | 'clientAuth' | 'license' | (string & {});

type Use = {
  readonly oid: string;
  /** RFC 5280 §4.2.1.12: with a key usage, one of these has to be in it; empty where the document names none. */
  readonly bits: readonly KeyUsageBit[];
  /** The leaf must say that it is for this and must be no CA: RFC 5280 leaves both open. */
  readonly strict: boolean;
};

const USES: Readonly<Record<string, Use>> = {
  serverAuth: {
    oid: OID.serverAuth,
    bits: ['digitalSignature', 'keyEncipherment', 'keyAgreement'],
    strict: false,
  },
  clientAuth: { oid: OID.clientAuth, bits: ['digitalSignature', 'keyAgreement'], strict: false },
  codeSigning: { oid: OID.codeSigning, bits: ['digitalSignature'], strict: false },
  emailProtection: {
    oid: OID.emailProtection,
    bits: ['digitalSignature', 'nonRepudiation', 'keyEncipherment', 'keyAgreement'],
    strict: false,
  },
  timeStamping: { oid: OID.timeStamping, bits: ['digitalSignature', 'nonRepudiation'], strict: true },
  ocspSigning: { oid: OID.ocspSigning, bits: ['digitalSignature', 'nonRepudiation'], strict: true },
  license: { oid: OID.licensePurpose, bits: ['digitalSignature'], strict: true },
};

const BY_OID = new Map(Object.values(USES).map((use) => [use.oid, use]));

function useOf(purpose: Purpose): Use {
  return USES[purpose] ?? BY_OID.get(purpose) ?? { oid: purpose, bits: [], strict: false };
}

/** Why the leaf must not be used for this purpose, or undefined. */
export function leafUsageDefect(certificate: Certificate, purpose: Purpose): string | undefined {
  const { oid, bits, strict } = useOf(purpose);
  const { extendedKeyUsage, keyUsage } = certificate.extensions;
  if (strict && isCa(certificate)) return 'a CA certificate, where only an end entity will do';
  if (extendedKeyUsage === undefined && strict) return `the extended key usage ${oid} is missing`;
  // §4.2.1.12: who looks for a purpose MAY refuse anyExtendedKeyUsage in its place, as OpenSSL does too.
  if (extendedKeyUsage !== undefined && !extendedKeyUsage.includes(oid)) {
    return `the extended key usage ${oid} is not among those of the certificate`;
  }
  // §4.2.1.3: also for a CA certificate as the leaf. One that may only sign certificates cannot serve TLS.
  const consistent = keyUsage === undefined || bits.length === 0 || bits.some((bit) => keyUsage.has(bit));
  return consistent ? undefined : 'the key usage does not go with this purpose';
}

/**
 * RFC 5280 gives the extended key usage of a CA no meaning; every validator in use takes it as a limit for what is
 * below, and so do we.
 */
export function issuerUsageDefect(certificate: Certificate, purpose: Purpose): string | undefined {
  const purposes = certificate.extensions.extendedKeyUsage;
  const { oid } = useOf(purpose);
  const allowed = purposes === undefined || purposes.includes(oid) || purposes.includes(OID.anyExtendedKeyUsage);
  return allowed ? undefined : `the issuer is not for certificates with the extended key usage ${oid}`;
}

export function allowsPurpose(allowed: readonly Purpose[], purpose: Purpose): boolean {
  return allowed.some((other) => useOf(other).oid === useOf(purpose).oid);
}
