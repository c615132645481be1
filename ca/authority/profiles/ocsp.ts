import { OID } from '@licet/format';
import { ALL_ALGORITHMS, DAY, type Profile } from './profile.ts';

/**
 * Answers for exactly one CA (RFC 6960 §4.2.2.2). Nobody can ask whether the one who answers is revoked, so it lives a
 * week and says nocheck (§4.2.2.2.1). Its purpose is critical: a responder key is good for nothing else.
 */
export const ocsp: Profile = {
  name: 'ocsp',
  issuers: ['root', 'organization', 'enterprise', 'service'],
  lifetime: 7 * DAY,
  pathLength: undefined,
  keyUsage: ['digitalSignature'],
  extendedKeyUsage: { critical: true, purposes: [OID.ocspSigning] },
  policies: [],
  enterprise: 'as issuer',
  alternativeNames: 'none',
  nameConstraints: 'none',
  claims: 'none',
  revocation: 'nocheck',
  subjectKeys: ALL_ALGORITHMS,
  rsaBits: 3072,
};
