import { ALL_ALGORITHMS, YEAR, type Profile } from './profile.ts';

/** Signs TLS certificates for the organization's servers, beside the license CAs and without any rights of its own. */
export const serviceCa: Profile = {
  name: 'service-ca',
  issuers: ['root'],
  lifetime: 5 * YEAR,
  pathLength: 0,
  keyUsage: ['keyCertSign', 'cRLSign'],
  extendedKeyUsage: undefined,
  policies: [],
  enterprise: 'none',
  alternativeNames: 'none',
  nameConstraints: 'none',
  claims: 'none',
  revocation: 'pointers',
  subjectKeys: ALL_ALGORITHMS,
  rsaBits: 3072,
};
