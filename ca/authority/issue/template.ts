import { type Bytes, encodeClaims, extension, type GeneralName, OID, type RawExtension } from '@licet/format';
import type { Claims } from '@licet/format';
import type { Profile } from '../profiles/profile.ts';
import type { IssuerGeneration } from './issuer-generation.ts';
import { nameConstraints, type Subject } from './subject.ts';

/** What all certificates of one profile by one issuer have in common, encoded once. */
export type Template = {
  readonly before: readonly RawExtension[];
  /** By shard. */
  readonly distributionPoints: readonly RawExtension[];
  readonly after: readonly RawExtension[];
};

const templates = new WeakMap<IssuerGeneration, WeakMap<Profile, Template>>();

export function templateFor(profile: Profile, issuer: IssuerGeneration): Template {
  let own = templates.get(issuer);
  if (own === undefined) templates.set(issuer, (own = new WeakMap()));
  let template = own.get(profile);
  if (template === undefined) own.set(profile, (template = build(profile, issuer)));
  return template;
}

function build(profile: Profile, { keyIdentifier, addresses }: IssuerGeneration): Template {
  const { pathLength, extendedKeyUsage, revocation } = profile;
  const before = [
    extension.authorityKeyIdentifier({ keyIdentifier }),
    extension.keyUsage(profile.keyUsage),
    extension.basicConstraints({ ca: pathLength !== undefined, pathLength }),
  ];
  if (profile.policies.length > 0) before.push(extension.certificatePolicies(profile.policies));
  const after: RawExtension[] = [];
  if (extendedKeyUsage !== undefined) {
    after.push(extension.extendedKeyUsage(extendedKeyUsage.purposes, extendedKeyUsage.critical));
  }
  if (revocation === 'nocheck') after.push(extension.ocspNoCheck());
  if (revocation !== 'pointers' || addresses === undefined) return { before, distributionPoints: [], after };
  const access: { method: string; location: GeneralName }[] = [
    { method: OID.accessCaIssuers, location: uri(addresses.caIssuers) },
  ];
  if (addresses.ocsp !== undefined) access.unshift({ method: OID.accessOcsp, location: uri(addresses.ocsp) });
  after.push(extension.authorityInfoAccess(access));
  return {
    before,
    distributionPoints: addresses.crls.map((address) => extension.crlDistributionPoints([address])),
    after,
  };
}

const uri = (value: string): GeneralName => ({ kind: 'uri', value });

export type Varying = {
  readonly subject: Subject;
  readonly subjectKeyIdentifier: Bytes;
  readonly alternativeNames: readonly GeneralName[];
  readonly claims: Claims | undefined;
  readonly shard: number;
};

export function extensionsOf(profile: Profile, issuer: IssuerGeneration, varying: Varying): RawExtension[] {
  const { before, distributionPoints, after } = templateFor(profile, issuer);
  const extensions = [...before, extension.subjectKeyIdentifier(varying.subjectKeyIdentifier)];
  if (varying.alternativeNames.length > 0) extensions.push(extension.subjectAltName(varying.alternativeNames));
  if (profile.nameConstraints === 'subtree')
    extensions.push(extension.nameConstraints(nameConstraints(varying.subject)));
  const point = distributionPoints[varying.shard];
  if (point !== undefined) extensions.push(point);
  extensions.push(...after);
  if (varying.claims !== undefined) {
    extensions.push({ oid: OID.licenseClaims, critical: false, value: encodeClaims(varying.claims) });
  }
  return extensions;
}
