import { OID } from '@licet/format';
import { ALL_ALGORITHMS, YEAR, type Profile } from './profile.ts';

/** Signs the quarterly accounts. Two years, so that an account outlives the quarter and its objections. */
export const manifest: Profile = {
  name: 'manifest',
  issuers: ['organization'],
  lifetime: 2 * YEAR,
  pathLength: undefined,
  keyUsage: ['digitalSignature', 'nonRepudiation'],
  extendedKeyUsage: { critical: true, purposes: [OID.manifestPurpose] },
  policies: [],
  enterprise: 'none',
  alternativeNames: 'none',
  nameConstraints: 'none',
  claims: 'none',
  revocation: 'pointers',
  subjectKeys: ALL_ALGORITHMS,
  rsaBits: 3072,
};
