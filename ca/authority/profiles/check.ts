import { OID } from '@licet/format';
import { AuthorityError } from '../errors.ts';
import { ALL_ALGORITHMS, YEAR, type Profile } from './profile.ts';

/** One thing that a profile may get wrong, and the section that says so. */
type Rule = { readonly section: string; readonly says: string; holds(profile: Profile): boolean };

const isCa = (profile: Profile) => profile.pathLength !== undefined;
const purposes = (profile: Profile) => profile.extendedKeyUsage?.purposes ?? [];
const signsCertificates = (profile: Profile) => profile.keyUsage.includes('keyCertSign');

const RULES: readonly Rule[] = [
  {
    section: 'RFC 5280 §4.1.2.5',
    says: 'the lifetime is a whole number of seconds, above zero and at most 20 years',
    holds: ({ lifetime }) => Number.isInteger(lifetime) && lifetime > 0 && lifetime <= 20 * YEAR,
  },
  {
    section: 'RFC 5280 §4.2.1.9',
    says: 'a path length is a whole number from 0 to 2',
    holds: ({ pathLength }) => pathLength === undefined || [0, 1, 2].includes(pathLength),
  },
  {
    section: 'RFC 5280 §4.2.1.3',
    says: 'a CA signs certificates and CRLs, and nothing else does',
    holds: (profile) =>
      signsCertificates(profile) === isCa(profile) && profile.keyUsage.includes('cRLSign') === isCa(profile),
  },
  {
    section: 'RFC 5280 §4.2.1.3',
    says: 'at least one key usage is named, and each once',
    holds: ({ keyUsage }) => keyUsage.length > 0 && new Set(keyUsage).size === keyUsage.length,
  },
  {
    section: 'RFC 5280 §4.2.1.12',
    says: 'all but CAs name purposes, never any purpose',
    holds: (profile) =>
      purposes(profile).length > 0 !== isCa(profile) && !purposes(profile).includes(OID.anyExtendedKeyUsage),
  },
  {
    section: 'RFC 6960 §4.2.2.2',
    says: 'who signs OCSP answers does nothing else and says nocheck, and nobody else does',
    holds: (profile) => {
      const responder = purposes(profile).includes(OID.ocspSigning);
      return responder === (profile.revocation === 'nocheck') && (!responder || purposes(profile).length === 1);
    },
  },
  {
    section: 'RFC 5280 §4.2.1.13',
    says: 'only a root has nobody who could revoke it',
    holds: ({ revocation, name }) => (revocation === 'none') === (name === 'root'),
  },
  {
    section: 'RFC 5280 §4.2.1.10',
    says: 'the CA of an enterprise constrains names, and nobody else does',
    holds: (profile) =>
      (profile.nameConstraints === 'subtree') === (isCa(profile) && profile.enterprise === 'required'),
  },
  {
    section: 'RFC 5280 §4.2.1.6',
    says: 'a TLS server has host names, a license its URI, a CA neither',
    holds: (profile) => {
      const names = {
        hosts: purposes(profile).includes(OID.serverAuth),
        license: purposes(profile).includes(OID.licensePurpose),
      };
      if (names.hosts) return profile.alternativeNames === 'hosts' && !names.license;
      return profile.alternativeNames === (names.license ? 'license' : 'none');
    },
  },
  {
    section: 'RFC 5280 §4.2.1.4',
    says: 'who carries claims asserts the license policy, and nobody else does',
    holds: ({ claims, policies }) =>
      claims === 'required' ? policies.includes(OID.licensePolicy) : !policies.includes(OID.licensePolicy),
  },
  {
    section: 'RFC 5280 §4.1.2.7',
    says: 'at least one known subject key algorithm is allowed, and RSA from 2048 bits on, from 3072 for a CA',
    holds: (profile) =>
      profile.subjectKeys.length > 0 &&
      profile.subjectKeys.every((key) => ALL_ALGORITHMS.includes(key)) &&
      profile.rsaBits >= (isCa(profile) ? 3072 : 2048) &&
      profile.rsaBits <= 8192,
  },
  {
    section: 'RFC 5280 §6.1',
    says: 'a root signs itself, and each other profile names who signs it',
    holds: ({ issuers }) =>
      issuers.length > 0 &&
      issuers.every((purpose) => ['root', 'organization', 'enterprise', 'service'].includes(purpose)),
  },
];

/** Returns the profile, or says everything that is wrong with it: nothing is issued by a profile that was not loaded here. */
export function checkProfile(profile: Profile): Profile {
  const broken = RULES.filter((rule) => !rule.holds(profile)).map((rule) => `${rule.section}: ${rule.says}`);
  if (broken.length === 0) return profile;
  throw new AuthorityError('PROFILE_INVALID', `Profile "${profile.name}" breaks a rule: ${broken.join('; ')}.`, {
    details: broken,
  });
}
