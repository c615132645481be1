import { type CertificateId, REVOCATION_STEPS, type RevocationEvent } from '@licet/authority';
import { fromHex } from '@licet/format';
import { z } from 'zod';
import { enterpriseOf } from '../enrolment/create-token.ts';
import { assertSeen, changed, found } from '../entities.ts';
import { reference, version } from '../fields.ts';
import type { License } from '../model/license.ts';
import { next } from '../model/state.ts';
import { type Site, SITE_LIFE } from '../model/site.ts';
import { type Dependencies, inTransaction, useCase, type Work } from '../use-case.ts';

export const target = z.strictObject({ id: reference('site'), version });

/** Its licenses are put on hold; it keeps its seat. */
export const suspendSite = useCase(target, (deps, actor, input) =>
  inTransaction(deps, actor, async (work) => {
    const before = await lockSite(deps, work, actor, input);
    const after = await setStatus(deps, work, before, 'suspend');
    await holdLineages(deps, work, after, true);
    return after;
  }),
);

export const reinstateSite = useCase(target, (deps, actor, input) =>
  inTransaction(deps, actor, async (work) => {
    const before = await lockSite(deps, work, actor, input);
    const after = await setStatus(deps, work, before, 'reinstate');
    await holdLineages(deps, work, after, false);
    return after;
  }),
);

/** For good: its licenses are revoked and its seat is free; what it was stays on record. */
export const retireSite = useCase(target, (deps, actor, input) =>
  inTransaction(deps, actor, async (work) => {
    const { id } = await lockSite(deps, work, actor, input);
    return retire(deps, work, id);
  }),
);

export async function retire(deps: Dependencies, work: Work, id: string): Promise<Site> {
  const before = found('site', await deps.stores.sites.lock(work.tx, id));
  const after = await setStatus(deps, work, before, 'retire');
  await endLineages(deps, work, after, 'cessationOfOperation');
  return after;
}

/**
 * Closes the lineages of the site, but for the one that it goes on with, and revokes what is left of them. There are
 * several while it is being installed anew.
 */
export async function endLineages(
  deps: Dependencies,
  work: Work,
  site: Pick<Site, 'id' | 'enterprise'>,
  reason: 'cessationOfOperation' | 'superseded',
  goesOn?: string,
): Promise<void> {
  const { licenses } = deps.stores;
  for (const { id } of await licenses.lockLineages(work.tx, site.id)) {
    if (id === goesOn) continue;
    await licenses.setLineage(work.tx, id, { status: 'closed', held: false, forkedFrom: undefined });
    await changeLicenses(deps, work, site, id, { type: 'revoke', reason });
  }
}

const DONE = { suspend: 'suspended', reinstate: 'reinstated', retire: 'retired' } as const;

async function setStatus({ stores }: Dependencies, work: Work, before: Site, event: keyof typeof DONE): Promise<Site> {
  const after = changed(before, work.at, { status: next(SITE_LIFE, before.status, event) });
  await stores.sites.replace(work.tx, after);
  const details = { enterprise: after.enterprise, contract: after.contract, mode: after.mode };
  work.note({ action: `site.${DONE[event]}`, subject: `site:${after.id}`, details });
  return after;
}

/** Under the locks of the lineages, so that a license that is being committed is either seen here or held there. */
async function holdLineages(deps: Dependencies, work: Work, site: Site, held: boolean): Promise<void> {
  const { licenses } = deps.stores;
  for (const { id, status, forkedFrom } of await licenses.lockLineages(work.tx, site.id)) {
    await licenses.setLineage(work.tx, id, { status, forkedFrom, held });
    await changeLicenses(deps, work, site, id, { type: held ? 'hold' : 'reinstate' });
  }
}

/** Where a license stands, as its certificate does: a license that has a successor is good until it ends. */
const STANDS = { current: 'valid', superseded: 'valid', suspended: 'held', revoked: 'revoked' } as const;

/** The licenses follow their certificates: see `createLicenseFollower`. */
async function changeLicenses(
  { stores }: Dependencies,
  { tx, at, change }: Work,
  { id: site, enterprise }: Pick<Site, 'id' | 'enterprise'>,
  lineage: string,
  event: RevocationEvent,
): Promise<void> {
  const all = await stores.licenses.notOver(tx, lineage, at);
  const licenses = all.filter(({ status }) => REVOCATION_STEPS[STANDS[status]].includes(event.type));
  change({ event, of: licenses.map(certificateOf), context: { site, lineage, enterprise } });
}

export const certificateOf = ({ issuerKey, serial }: License): CertificateId => ({
  issuer: issuerKey,
  serial: fromHex(serial),
});

export async function lockSite(
  { stores }: Dependencies,
  { tx }: Work,
  actor: { readonly enterprise: string | undefined },
  { id, version: seen }: z.output<typeof target>,
): Promise<Site> {
  const site = found('site', await stores.sites.lock(tx, id), actor, enterpriseOf);
  assertSeen('site', site, seen);
  return site;
}
