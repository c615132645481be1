import type { Mode } from '@licet/format';
import { assertUsable, enterpriseOf } from '../enrolment/create-token.ts';
import { assertSeat } from '../contracts/seats.ts';
import { found, newEntity } from '../entities.ts';
import type { Contract } from '../model/contract.ts';
import { newId } from '../model/id.ts';
import type { Principal } from '../model/principal.ts';
import type { Site } from '../model/site.ts';
import type { Dependencies, Work } from '../use-case.ts';

export type NewSite = {
  readonly contract: string;
  readonly name: string;
  readonly mode: Mode;
  readonly shares: Site['shares'];
  readonly labels: Site['labels'];
  readonly key?: Site['key'];
  readonly trustRule?: Site['trustRule'];
};

/** Takes a seat of the contract, under its lock, and puts a pending site on it. */
export async function addSite(
  deps: Dependencies,
  work: Work,
  actor: Pick<Principal, 'organization' | 'enterprise'>,
  wanted: NewSite,
): Promise<{ site: Site; contract: Contract }> {
  const contract = await takeSeat(deps, work, actor, wanted);
  const { name, mode, shares, labels, key, trustRule } = wanted;
  const site: Site = {
    ...newEntity(deps, contract.organization, work.at),
    name,
    mode,
    shares,
    labels,
    enterprise: contract.enterprise,
    contract: contract.id,
    status: 'pending',
    lineage: newId(deps.clock, deps.random),
    fingerprints: [],
    reportedAt: undefined,
    key,
    trustRule,
  };
  await deps.stores.sites.insert(work.tx, site);
  await beginLineage(deps, work, site);
  const details = { enterprise: site.enterprise, contract: site.contract, mode: site.mode };
  work.note({ action: 'site.created', subject: `site:${site.id}`, details });
  return { site, contract };
}

/** Locks the contract and makes sure that it has one more seat; `except`: a site whose seat is given up for it. */
export async function takeSeat(
  { stores }: Dependencies,
  { tx }: Work,
  actor: Pick<Principal, 'enterprise'>,
  wanted: Pick<NewSite, 'contract' | 'mode' | 'shares'>,
  except?: string,
): Promise<Contract> {
  const locked = await stores.contracts.lock(tx, wanted.contract);
  const contract = found('contract', locked, actor, enterpriseOf);
  assertUsable(contract);
  assertSeat(contract.terms, await stores.seats.used(tx, contract.id, except), wanted);
  return contract;
}

export function beginLineage(
  { stores }: Dependencies,
  { tx }: Work,
  { lineage, organization, id }: Site,
): Promise<void> {
  return stores.licenses.addLineage(tx, {
    id: lineage,
    organization,
    site: id,
    sequence: 0,
    head: undefined,
    status: 'live',
    held: false,
    forkedFrom: undefined,
  });
}
