import { createName, type Name } from '@licet/format';
import type { Subject } from '../issue/subject.ts';
import type { KeyPurpose } from '../ports/signer.ts';
import type { Profile } from '../profiles/profile.ts';
import type { AuthorityKind } from './config/index.ts';
import { invalid } from './config/invalid.ts';
import { PROFILES } from './desk.ts';

type Role = { readonly profile: Profile; readonly issuer: KeyPurpose };

/** What the CA of each kind is certified as, and by whom. */
export const ROLES: Readonly<Record<AuthorityKind, Role>> = {
  organization: { profile: PROFILES.organization, issuer: 'root' },
  service: { profile: PROFILES['service-ca'], issuer: 'root' },
  enterprise: { profile: PROFILES.enterprise, issuer: 'organization' },
};

/** Said by the path of the key in the file, before anything else looks at it. */
export function checkEnterprise(authority: AuthorityKind, enterprise: string | undefined): void {
  if ((authority === 'enterprise') === (enterprise !== undefined)) return;
  throw invalid([`subject.enterprise: ${authority === 'enterprise' ? 'is needed' : 'does not belong'} here`]);
}

/** The subject as the certificate will name it, RFC 5280 §4.1.2.6. */
export function nameOf({ organization, enterprise, commonName }: Subject): Name {
  return createName([
    { type: 'organizationName', value: organization },
    ...(enterprise === undefined ? [] : [{ type: 'organizationalUnitName' as const, value: enterprise }]),
    { type: 'commonName', value: commonName },
  ]);
}

/** Optional parts of a subject are absent in ours and may be undefined in a file. */
export function subjectOf({ organization, enterprise, commonName }: FileSubject): Subject {
  return { organization, commonName, ...(enterprise !== undefined && { enterprise }) };
}

type FileSubject = {
  readonly organization: string;
  readonly enterprise?: string | undefined;
  readonly commonName: string;
};
