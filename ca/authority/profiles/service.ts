import { OID } from '@licet/format';
import { ALL_ALGORITHMS, DAY, type Profile } from './profile.ts';

/** The TLS certificate of a server of the organization. RSA of 2048 bits for appliances that know nothing else. */
export const service: Profile = {
  name: 'service',
  issuers: ['service'],
  lifetime: 90 * DAY,
  pathLength: undefined,
  keyUsage: ['digitalSignature'],
  extendedKeyUsage: { critical: false, purposes: [OID.serverAuth] },
  policies: [],
  enterprise: 'none',
  alternativeNames: 'hosts',
  nameConstraints: 'none',
  claims: 'none',
  revocation: 'pointers',
  subjectKeys: ALL_ALGORITHMS,
  rsaBits: 2048,
};
