import { OID } from '@licet/format';
import { ALL_ALGORITHMS, YEAR, type Profile } from './profile.ts';

/** The online CA of a vendor: signs enterprises, within all that the vendor may sell. */
export const organization: Profile = {
  name: 'organization',
  issuers: ['root'],
  lifetime: 5 * YEAR,
  pathLength: 1,
  keyUsage: ['keyCertSign', 'cRLSign'],
  extendedKeyUsage: undefined,
  // A policy holds for a leaf only when every CA above asserts it too (RFC 5280 §6.1.3 (d)).
  policies: [OID.licensePolicy],
  enterprise: 'none',
  alternativeNames: 'none',
  // GnuTLS 3.7 refuses an enterprise whose constraints narrow these; the organization's key never leaves our signer.
  nameConstraints: 'none',
  claims: 'required',
  revocation: 'pointers',
  subjectKeys: ALL_ALGORITHMS,
  rsaBits: 3072,
};
