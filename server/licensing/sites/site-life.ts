import { z } from 'zod';
import { enterpriseOf } from '../enrolment/create-token.ts';
import { assertSeen, changed, found } from '../entities.ts';
import { reference, version } from '../fields.ts';
import type { License } from '../model/license.ts';
import { next } from '../model/state.ts';
import { type Site, SITE_LIFE } from '../model/site.ts';
import { type Dependencies, type Fact, inTransaction, useCase, type Work } from '../use-case.ts';

/**
 * What happens to a license here is carried out by the authority when the event of the same name reaches it, moments
 * later and also after a crash: see `revocationOf`.
 */
export const target = z.strictObject({ id: reference('site'), version });

/** Its licenses are put on hold; it keeps its seat. */
export const suspendSite = useCase(target, (deps, actor, input) =>
  inTransaction(deps, actor, async (work) => {
    const before = await lockSite(deps, work, actor, input);
    const after = await setStatus(deps, work, before, 'suspend');
    await holdLineage(deps, work, after, true);
    await eachLicense(deps, work, after, ['current', 'superseded'], 'suspended', 'license.suspended');
    return after;
  }),
);

export const reinstateSite = useCase(target, (deps, actor, input) =>
  inTransaction(deps, actor, async (work) => {
    const before = await lockSite(deps, work, actor, input);
    const after = await setStatus(deps, work, before, 'reinstate');
    await holdLineage(deps, work, after, false);
    await eachLicense(deps, work, after, ['suspended'], 'current', 'license.reinstated');
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
  await endLineage(deps, work, after, 'cessationOfOperation');
  return after;
}

/** Closes the lineage of the site and revokes what is left of it. */
export async function endLineage(
  deps: Dependencies,
  work: Work,
  site: Pick<Site, 'id' | 'lineage'>,
  reason: 'cessationOfOperation' | 'superseded',
): Promise<void> {
  await deps.stores.licenses.lockLineage(work.tx, site.lineage);
  await deps.stores.licenses.setLineage(work.tx, site.lineage, {
    status: 'closed',
    held: false,
    forkedFrom: undefined,
  });
  await eachLicense(deps, work, site, ['current', 'superseded', 'suspended'], 'revoked', 'license.revoked', reason);
}

type LicenseEvent = 'license.suspended' | 'license.reinstated' | 'license.revoked';

const DONE = { suspend: 'suspended', reinstate: 'reinstated', retire: 'retired' } as const;

async function setStatus({ stores }: Dependencies, work: Work, before: Site, event: keyof typeof DONE): Promise<Site> {
  const after = changed(before, work.at, { status: next(SITE_LIFE, before.status, event) });
  await stores.sites.replace(work.tx, after);
  const details = { enterprise: after.enterprise, contract: after.contract, mode: after.mode };
  work.note({ action: `site.${DONE[event]}`, subject: `site:${after.id}`, details });
  return after;
}

/** Under the lock of the lineage, so that a license that is being committed is either seen here or held there. */
async function holdLineage(
  { stores }: Dependencies,
  { tx }: Work,
  { lineage: id }: Site,
  held: boolean,
): Promise<void> {
  const { status, forkedFrom } = found('lineage', await stores.licenses.lockLineage(tx, id));
  await stores.licenses.setLineage(tx, id, { status, forkedFrom, held });
}

async function eachLicense(
  { stores }: Dependencies,
  { tx, at, note }: Work,
  site: Pick<Site, 'id' | 'lineage'>,
  from: readonly License['status'][],
  status: License['status'],
  action: LicenseEvent,
  reason?: string,
): Promise<void> {
  const unexpired = await stores.licenses.unexpired(tx, site.lineage, at);
  const licenses = unexpired.filter((license) => from.includes(license.status));
  for (const serials of statusGroups(licenses, status)) await stores.licenses.setStatus(tx, ...serials);
  for (const license of licenses) note(licenseFact(action, license, reason));
}

/** A license that was superseded when it was suspended is superseded again afterwards. */
function statusGroups(licenses: readonly License[], status: License['status']): [string[], License['status']][] {
  const serials = (list: readonly License[]): string[] => list.map(({ serial }) => serial);
  if (status !== 'current') return [[serials(licenses), status]];
  const isUsed = (license: License): boolean =>
    license.renewal?.successor !== undefined || license.reissuedAs !== undefined;
  return [
    [serials(licenses.filter((one) => !isUsed(one))), 'current'],
    [serials(licenses.filter(isUsed)), 'superseded'],
  ];
}

export function licenseFact(action: LicenseEvent, license: License, reason?: string): Fact {
  const { site, enterprise, contract, lineage, serial, issuerKey } = license;
  return {
    action,
    subject: `lineage:${lineage}`,
    details: { site, enterprise, contract, serial, issuer: issuerKey, ...(reason !== undefined && { reason }) },
  };
}

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
