import { OID } from '@licet/format';
import { ALL_ALGORITHMS, YEAR, type Profile } from './profile.ts';

/** The CA of a customer, hosted by us or by the customer: signs the licenses of its own sites, within its contract. */
export const enterprise: Profile = {
  name: 'enterprise',
  issuers: ['organization'],
  lifetime: 2 * YEAR,
  pathLength: 0,
  keyUsage: ['keyCertSign', 'cRLSign'],
  extendedKeyUsage: undefined,
  policies: [OID.licensePolicy],
  enterprise: 'required',
  alternativeNames: 'none',
  nameConstraints: 'subtree',
  claims: 'required',
  revocation: 'pointers',
  subjectKeys: ALL_ALGORITHMS,
  rsaBits: 3072,
};
