import { OID } from '@licet/format';
import { ALL_ALGORITHMS, DAY, type Profile } from './profile.ts';

/** A license. Its key is born at the site, often in a TPM that knows RSA of 2048 bits only: enough for 30 days. */
export const site: Profile = {
  name: 'site',
  issuers: ['enterprise'],
  lifetime: 30 * DAY,
  pathLength: undefined,
  keyUsage: ['digitalSignature'],
  extendedKeyUsage: { critical: false, purposes: [OID.licensePurpose, OID.clientAuth] },
  policies: [OID.licensePolicy],
  enterprise: 'required',
  alternativeNames: 'license',
  nameConstraints: 'none',
  claims: 'required',
  revocation: 'pointers',
  subjectKeys: ALL_ALGORITHMS,
  rsaBits: 2048,
};
