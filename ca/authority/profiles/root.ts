import { ALL_ALGORITHMS, YEAR, type Profile } from './profile.ts';

/** The offline trust anchor. It says nothing about claims: the organization CAs below are where rights begin. */
export const root: Profile = {
  name: 'root',
  issuers: ['root'],
  lifetime: 20 * YEAR,
  pathLength: 2,
  keyUsage: ['keyCertSign', 'cRLSign'],
  extendedKeyUsage: undefined,
  policies: [],
  enterprise: 'none',
  alternativeNames: 'none',
  nameConstraints: 'none',
  claims: 'none',
  revocation: 'none',
  subjectKeys: ALL_ALGORITHMS,
  rsaBits: 3072,
};
