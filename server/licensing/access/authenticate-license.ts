import type { Bytes } from '@licet/format';
import { LicetError } from '../errors.ts';
import { presentLicense, type PresentDeps, type ShownLicense } from '../identity/present-license.ts';
import type { Principal } from '../model/principal.ts';
import type { Site } from '../model/site.ts';
import type { Action } from './actions.ts';

export type LicenseDeps = PresentDeps & {
  readonly site: (organization: string, id: string) => Promise<Pick<Site, 'status'> | undefined>;
};

const RENEWAL_ONLY: readonly Action[] = ['license.renew'];

/**
 * The site that a TLS client is, by its license and by what the database says of it at this moment, so with every request
 * of an open connection too. A license in its grace, or one that was renewed already (its answer may have been lost),
 * is good for a renewal and nothing else.
 */
export async function authenticateLicense(chain: readonly Bytes[], deps: LicenseDeps): Promise<Principal> {
  let license: ShownLicense | undefined;
  const { principal, isExpired } = await presentLicense(chain, {
    ...deps,
    license: async (organization, serial) => (license = await deps.license(organization, serial)),
  });
  const site = principal.site === undefined ? undefined : await deps.site(principal.organization, principal.site);
  if (site?.status !== 'active') {
    const message = `This site is ${site?.status ?? 'not known'}; ask your vendor why.`;
    throw new LicetError('forbidden', 'SITE_NOT_ACTIVE', message);
  }
  const isCurrent = license?.status === 'current' && !isExpired;
  return isCurrent ? principal : { ...principal, actions: RENEWAL_ONLY };
}
