import { OID } from '@licet/format';
import { ALL_ALGORITHMS, YEAR, type Profile } from './profile.ts';

/**
 * One key of a root vouches for another of the same name (RFC 4210 §4.4): who trusts the old root reaches what is below
 * the new one, and the other way round. Self-issued, so it takes nothing from a path length (RFC 5280 §6.1.4 (l)).
 */
export const link: Profile = {
  name: 'link',
  issuers: ['root'],
  lifetime: 20 * YEAR,
  pathLength: 2,
  keyUsage: ['keyCertSign', 'cRLSign'],
  extendedKeyUsage: undefined,
  // Below it the policies go on; a root, which is an anchor, needs none.
  policies: [OID.anyPolicy],
  enterprise: 'none',
  alternativeNames: 'none',
  nameConstraints: 'none',
  claims: 'none',
  revocation: 'pointers',
  subjectKeys: ALL_ALGORITHMS,
  rsaBits: 3072,
};
