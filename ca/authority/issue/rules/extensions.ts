import { type CertificateExtensions, equalBytes, type GeneralName, OID } from '@licet/format';
import type { Profile } from '../../profiles/profile.ts';
import { nameConstraints } from '../subject.ts';
import { keyIdentifierOf } from '../subject-key.ts';
import { shardOf } from '../serial.ts';
import { type Rule, when } from './rule.ts';

/** The extensions, RFC 5280 §4.2: exactly those of the profile, each as critical as it must be. */
export const EXTENSION_RULES: readonly Rule[] = [
  {
    section: 'RFC 5280 §4.2',
    check: ({ extensions }, { profile }) => wrongSet(extensions, profile),
  },
  {
    section: 'RFC 5280 §4.2.1.1',
    check: ({ extensions: { authorityKeyIdentifier: found } }, { issuer }) =>
      when(
        found?.keyIdentifier === undefined ||
          !equalBytes(found.keyIdentifier, issuer.keyIdentifier) ||
          found.issuer !== undefined ||
          found.serial !== undefined,
        'the authority key identifier is not the issuer’s subject key identifier and nothing else',
      ),
  },
  {
    section: 'RFC 5280 §4.2.1.2',
    check: ({ extensions: { subjectKeyIdentifier: found }, publicKey }) =>
      when(
        found === undefined || !equalBytes(found, keyIdentifierOf(publicKey)),
        'the subject key identifier is not that of the key',
      ),
  },
  {
    section: 'RFC 5280 §4.2.1.3',
    check: ({ extensions: { keyUsage } }, { profile }) =>
      when(
        !sameMembers([...(keyUsage ?? [])], profile.keyUsage),
        `the key usage is not ${profile.keyUsage.join(', ')}`,
      ),
  },
  {
    section: 'RFC 5280 §4.2.1.4',
    check: ({ extensions: { certificatePolicies: found = [] } }, { profile }) =>
      when(
        !sameMembers(
          found.map(({ oid }) => oid),
          profile.policies,
        ) || found.some(({ qualifiers }) => qualifiers.length > 0),
        'the policies are not those of the profile',
      ),
  },
  {
    section: 'RFC 5280 §4.2.1.6',
    check: ({ extensions: { subjectAltName: found = [] } }, { alternativeNames }) =>
      when(
        found.length !== alternativeNames.length || !found.every((name, i) => sameName(name, alternativeNames[i])),
        'the alternative names are not those that were asked for',
      ),
  },
  {
    section: 'RFC 5280 §4.2.1.9',
    check: ({ extensions: { basicConstraints: found }, subject }, { profile, issuer }) => {
      const above = issuer.certificate?.extensions.basicConstraints?.pathLength;
      // §6.1.4 (l): only what is not self-issued counts.
      const selfIssued = issuer.name !== undefined && equalBytes(subject.raw, issuer.name.raw) ? 1 : 0;
      const fits = above === undefined || profile.pathLength === undefined || profile.pathLength < above + selfIssued;
      return when(
        found === undefined ||
          found.ca !== (profile.pathLength !== undefined) ||
          found.pathLength !== profile.pathLength ||
          !fits,
        'the basic constraints are not those of the profile, or the issuer may have no such CA below it',
      );
    },
  },
  {
    section: 'RFC 5280 §4.2.1.10',
    check: ({ extensions: { nameConstraints: found } }, { profile, subject }) => {
      if (profile.nameConstraints === 'none') return when(found !== undefined, 'this profile constrains no names');
      const wanted = nameConstraints(subject);
      const same = (a: readonly GeneralName[], b: readonly GeneralName[]) =>
        a.length === b.length && a.every((name, i) => sameName(name, b[i]));
      return when(
        found === undefined || !same(found.permitted, wanted.permitted) || !same(found.excluded, wanted.excluded),
        'the name constraints are not the subtree of the subject',
      );
    },
  },
  {
    section: 'RFC 5280 §4.2.1.12',
    check: ({ extensions: { extendedKeyUsage: found = [] } }, { profile }) =>
      when(!sameMembers(found, profile.extendedKeyUsage?.purposes ?? []), 'the purposes are not those of the profile'),
  },
  {
    section: 'RFC 5280 §4.2.1.13',
    check: ({ extensions: { crlDistributionPoints: found }, serial }, { profile, issuer: { addresses } }) => {
      if (profile.revocation !== 'pointers')
        return when(found !== undefined, 'nobody lists this certificate as revoked');
      const name = found?.[0]?.point?.kind === 'full' ? found[0].point.names[0] : undefined;
      const wanted = addresses?.crls[shardOf(serial, addresses.crls.length)];
      return when(
        found?.length !== 1 || wanted === undefined || name?.kind !== 'uri' || name.value !== wanted,
        'the CRL address is not that of the shard of this serial',
      );
    },
  },
  {
    section: 'RFC 5280 §4.2.2.1',
    check: ({ extensions: { authorityInfoAccess: found = [] } }, { profile, issuer: { addresses } }) => {
      const wanted =
        profile.revocation === 'pointers'
          ? [addresses?.caIssuers, addresses?.ocsp].filter((url) => url !== undefined)
          : [];
      const urls = found.map(({ location }) => (location.kind === 'uri' ? location.value : ''));
      return when(!sameMembers(urls, wanted), 'the addresses of issuer and OCSP are not those of the issuer’s key');
    },
  },
];

const sets = new WeakMap<Profile, ReadonlyMap<string, boolean>>();

function wrongSet({ all }: CertificateExtensions, profile: Profile): string | undefined {
  let wanted = sets.get(profile);
  if (wanted === undefined) sets.set(profile, (wanted = setOf(profile)));
  if (all.length !== wanted.size) return `there are ${all.length} extensions instead of ${wanted.size}`;
  const strange = all.find(({ oid, critical }) => wanted.get(oid) !== critical);
  return strange && `the extension ${strange.oid} is not of this profile, or as critical as it must not be`;
}

/** Which extensions a profile has, and which of them are critical. */
function setOf(profile: Profile): ReadonlyMap<string, boolean> {
  const wanted = new Map<string, boolean>([
    [OID.authorityKeyIdentifier, false],
    [OID.subjectKeyIdentifier, false],
    [OID.keyUsage, true],
    [OID.basicConstraints, true],
  ]);
  if (profile.policies.length > 0) wanted.set(OID.certificatePolicies, false);
  if (profile.alternativeNames !== 'none') wanted.set(OID.subjectAltName, false);
  if (profile.nameConstraints !== 'none') wanted.set(OID.nameConstraints, true);
  if (profile.extendedKeyUsage !== undefined) wanted.set(OID.extendedKeyUsage, profile.extendedKeyUsage.critical);
  if (profile.revocation === 'nocheck') wanted.set(OID.ocspNoCheck, false);
  if (profile.revocation === 'pointers')
    wanted.set(OID.crlDistributionPoints, false).set(OID.authorityInfoAccess, false);
  // A critical extension that nobody knows would make every TLS stack refuse the certificate.
  if (profile.claims === 'required') wanted.set(OID.licenseClaims, false);
  return wanted;
}

function sameMembers(found: readonly string[], wanted: readonly string[]): boolean {
  return found.length === wanted.length && wanted.every((member) => found.includes(member));
}

function sameName(a: GeneralName, b: GeneralName | undefined): boolean {
  if (b === undefined) return false;
  switch (a.kind) {
    case 'uri':
    case 'dns':
      return b.kind === a.kind && a.value === b.value;
    case 'ip':
      return b.kind === a.kind && equalBytes(a.bytes, b.bytes);
    case 'directory':
      return b.kind === a.kind && equalBytes(a.name.raw, b.name.raw);
    default:
      return false;
  }
}
