import type { Mode } from '@licet/format';
import { changed, found } from '../entities.ts';
import { LicetError } from '../errors.ts';
import type { Contract } from '../model/contract.ts';
import type { EnrolmentToken } from '../model/enrolment-token.ts';
import { newId } from '../model/id.ts';
import type { Site } from '../model/site.ts';
import { bindTo, fingerprintDigests } from '../sites/fingerprints.ts';
import { assertInstallable } from '../sites/installable.ts';
import { beginLineage } from '../sites/new-site.ts';
import { endLineages } from '../sites/site-life.ts';
import type { Dependencies, Work } from '../use-case.ts';

/** Where the license of a token goes. */
export type Place = {
  /** Undefined: it is made when the token is used. */
  readonly site: Site | undefined;
  readonly name: string;
  readonly mode: Mode;
  readonly contract: Contract;
};

/** The site that the token is for, or the place for it within the contract. `name`: where the token has no site. */
export async function placeFor(deps: Dependencies, work: Work, token: EnrolmentToken, name: string): Promise<Place> {
  const { stores } = deps;
  const { tx } = work;
  if (token.site === undefined) {
    // The lock under which sites of the contract come into being.
    const contract = found('contract', await stores.contracts.lock(tx, token.contract));
    return { site: await begunSite(deps, work, token, name), name, mode: token.mode, contract };
  }
  const site = found('site', await stores.sites.lock(tx, token.site));
  assertInstallable(site, 'machine');
  const contract = found('contract', await stores.contracts.get(tx, site.contract));
  return { site, name: site.name, mode: site.mode, contract };
}

/**
 * A request that came to nothing leaves its site behind, without a license; another token that names it goes on there.
 * Where the site chooses its name it does not: the one that is there may have been made for somebody else.
 */
async function begunSite(
  { stores }: Dependencies,
  { tx }: Work,
  { enterprise, contract, mode, name: own }: EnrolmentToken,
  name: string,
): Promise<Site | undefined> {
  const { items } = await stores.sites.list(tx, { where: { enterprise, name }, limit: 10 });
  const site = items.find(({ status }) => status !== 'retired');
  if (site === undefined) return undefined;
  const isBegun = site.status === 'pending' && site.contract === contract && site.mode === mode;
  if (own !== undefined && isBegun && site.trustRule === undefined) return site;
  const message = `A site named "${name}" is there already; have a token made for that site, or for another name.`;
  throw new LicetError('conflict', 'SITE_EXISTS', message);
}

/** What is there of the lineage that the request is for. What another request has left behind says nothing of this machine. */
export function begunWith(
  { key, lineage }: EnrolmentToken,
  site: Site | undefined,
): { readonly lineage: string | undefined; readonly fingerprints: readonly string[] } {
  if (key === undefined) return { lineage: site?.status === 'pending' ? site.lineage : undefined, fingerprints: [] };
  return { lineage, fingerprints: site?.lineage === lineage ? (site?.fingerprints ?? []) : [] };
}

/**
 * The site as its license will have it. One that has had a license begins a new lineage: the machine that had the old one
 * must not come back with it. Its row says so when the new one has its license, and until then the site keeps what it has.
 */
export async function boundSite(
  deps: Dependencies,
  work: Work,
  token: EnrolmentToken,
  site: Site,
  texts: readonly string[] = [],
): Promise<Site> {
  if (token.key !== undefined && token.lineage !== undefined) {
    return token.lineage === site.lineage ? site : installedAnew(site, token.lineage, texts);
  }
  if (site.status === 'pending') return bindTo(deps, work, site, texts);
  const anew = installedAnew(site, newId(deps.clock, deps.random), texts);
  await beginLineage(deps, work, anew);
  return anew;
}

export const installedAnew = (site: Site, lineage: string, texts: readonly string[] = []): Site => ({
  ...site,
  lineage,
  fingerprints: fingerprintDigests(lineage, texts),
});

/** From now on the site is the new installation, which has its license, and the one before loses its own. */
export async function moveIn(deps: Dependencies, work: Work, { id, lineage, fingerprints }: Site): Promise<void> {
  const { stores } = deps;
  const { tx, at, note } = work;
  const site = found('site', await stores.sites.lock(tx, id));
  if (site.lineage === lineage) return;
  assertInstallable(site, 'machine');
  if (found('lineage', await stores.licenses.lockLineage(tx, lineage)).status === 'closed') {
    const message = 'The site was installed anew with another token meanwhile; have a new one made.';
    throw new LicetError('forbidden', 'TOKEN_USED', message);
  }
  await endLineages(deps, work, site, 'superseded', lineage);
  await stores.sites.replace(tx, changed(site, at, { lineage, fingerprints }));
  note({ action: 'site.installed-anew', subject: `site:${id}`, details: { lineage } });
}
