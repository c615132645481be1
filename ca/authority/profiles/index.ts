import { hash } from 'node:crypto';
import { AuthorityError } from '../errors.ts';
import type { KeyAlgorithm } from '../ports/signer.ts';
import { checkProfile } from './check.ts';
import { enterprise } from './enterprise.ts';
import { link } from './link.ts';
import { manifest } from './manifest.ts';
import { ocsp } from './ocsp.ts';
import { organization } from './organization.ts';
import type { Profile, ProfileName } from './profile.ts';
import { root } from './root.ts';
import { serviceCa } from './service-ca.ts';
import { service } from './service.ts';
import { site } from './site.ts';

export type Profiles = Readonly<Record<ProfileName, Profile>>;

/** What an operator may change, and only for less: a shorter life, fewer algorithms. */
export type ProfileOverrides = {
  readonly [name in ProfileName]?: { readonly lifetime?: number; readonly subjectKeys?: readonly KeyAlgorithm[] };
};

const BUILT_IN: readonly Profile[] = [root, link, organization, enterprise, site, serviceCa, service, ocsp, manifest];

/** All profiles, each checked. Throws PROFILE_INVALID. */
export function loadProfiles(overrides: ProfileOverrides = {}): Profiles {
  const known = new Set<string>(BUILT_IN.map(({ name }) => name));
  for (const name of Object.keys(overrides)) {
    if (!known.has(name)) throw new AuthorityError('PROFILE_INVALID', `There is no profile "${name}" to be changed.`);
  }
  const entries = BUILT_IN.map((profile) => [profile.name, narrowed(profile, overrides[profile.name] ?? {})] as const);
  return Object.freeze(Object.fromEntries(entries)) as Profiles;
}

function narrowed(profile: Profile, { lifetime, subjectKeys }: NonNullable<ProfileOverrides[ProfileName]>): Profile {
  if (lifetime !== undefined && lifetime > profile.lifetime) {
    throw new AuthorityError(
      'PROFILE_INVALID',
      `Profile "${profile.name}" lives ${profile.lifetime} s at most; ${lifetime} s is longer.`,
    );
  }
  const changed = {
    ...profile,
    lifetime: lifetime ?? profile.lifetime,
    subjectKeys: subjectKeys ?? profile.subjectKeys,
  };
  return Object.freeze(checkProfile(changed));
}

/** SHA-256 over the profile's text, with its parts in the order of their names. */
export function profileHash(profile: Profile): Uint8Array {
  const sorted = Object.entries(profile).sort(([a], [b]) => (a < b ? -1 : 1));
  return hash('sha256', JSON.stringify(sorted), 'buffer');
}
