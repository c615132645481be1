import { type Claims, encodeClaims, equalBytes } from '@licet/format';
import { z } from 'zod';
import { canonicalJson } from '../canonical-json.ts';
import { assertInForce } from '../contracts/in-force.ts';
import { changed, found } from '../entities.ts';
import { LicetError } from '../errors.ts';
import { labels, mode, reference, version } from '../fields.ts';
import { claimsOf } from '../licenses/claims-of.ts';
import { licenseOrder } from '../licenses/order.ts';
import type { Principal } from '../model/principal.ts';
import type { Site } from '../model/site.ts';
import { ownOrganization } from '../organizations/organizations.ts';
import type { IssuedLicense, LicenseOrder } from '../ports/issuance.ts';
import { type Dependencies, inTransaction, reading, useCase, type Work } from '../use-case.ts';
import { shares } from './create-site.ts';
import { takeSeat } from './new-site.ts';
import { lockSite } from './site-life.ts';

type Change = { readonly contract: string; readonly mode: Site['mode']; readonly shares: Site['shares'] };

export type UpdatedSite = {
  readonly site: Site;
  /** Its new license, when the change gave it other rights: for the same key, so the machine can use it as it is. */
  readonly license: IssuedLicense | undefined;
};

/**
 * Changes labels, mode, contract or shares. Other rights mean another license, at once. When that fails (the authority
 * may be away) the site is changed all the same, and repeating the request gives it its license.
 */
export const updateSite = useCase(
  z.strictObject({
    id: reference('site'),
    version,
    labels: labels.optional(),
    mode: mode.optional(),
    contract: reference('contract').optional(),
    shares: shares.optional(),
  }),
  async (deps, actor, input): Promise<UpdatedSite> => {
    const site = await inTransaction(deps, actor, async (work) => {
      const before = await lockSite(deps, work, actor, input);
      const seat = {
        contract: input.contract ?? before.contract,
        mode: input.mode ?? before.mode,
        shares: input.shares ?? before.shares,
      };
      return moved(deps, work, actor, before, seat, input.labels ?? before.labels);
    });
    const touchesRights = input.mode !== undefined || input.contract !== undefined || input.shares !== undefined;
    // Of builds there are many licenses, which end by themselves; the next ones have the new rights.
    const isReissued = touchesRights && site.status === 'active' && site.trustRule === undefined;
    if (!isReissued) return { site, license: undefined };
    const order = await reissueOrder(deps, actor, site);
    return { site, license: order && (await deps.issuance.issue(order)) };
  },
);

const same = (a: unknown, b: unknown): boolean => canonicalJson(a) === canonicalJson(b);

async function moved(
  deps: Dependencies,
  work: Work,
  actor: Principal,
  before: Site,
  seat: Change,
  newLabels: Site['labels'],
): Promise<Site> {
  const { contract, mode: oldMode, shares: oldShares, labels: oldLabels } = before;
  const movesSeat = !same(seat, { contract, mode: oldMode, shares: oldShares });
  if (!movesSeat && same(newLabels, oldLabels)) return before;
  if (movesSeat) await assertMayMove(deps, work, actor, before, seat);
  const after = changed(before, work.at, { ...seat, labels: newLabels });
  await deps.stores.sites.replace(work.tx, after);
  const details = { enterprise: after.enterprise, contract: seat.contract, mode: seat.mode, from: oldMode };
  work.note({
    action: seat.mode === oldMode ? 'site.changed' : 'site.mode-changed',
    subject: `site:${after.id}`,
    details,
  });
  return after;
}

async function assertMayMove(
  deps: Dependencies,
  work: Work,
  actor: Principal,
  before: Site,
  seat: Change,
): Promise<void> {
  if (before.status === 'retired') {
    throw new LicetError('conflict', 'SITE_RETIRED', 'The site is retired; create a new one.');
  }
  const contract = await takeSeat(deps, work, actor, seat, before.id);
  if (contract.enterprise !== before.enterprise) {
    throw new LicetError(
      'conflict',
      'CONTRACT_FOREIGN',
      'The contract is of another enterprise; a site never moves to one.',
      {
        pointer: '/contract',
      },
    );
  }
  if (seat.mode !== before.mode && !contract.terms.modeChanges) {
    throw new LicetError(
      'conflict',
      'MODE_FIXED',
      'The contract does not allow sites to change their mode; order it.',
      {
        pointer: '/mode',
      },
    );
  }
}

/** The order for a license with the rights that the site has now, if its newest one has others. */
async function reissueOrder(deps: Dependencies, actor: Principal, site: Site): Promise<LicenseOrder | undefined> {
  const { stores, issuance, clock } = deps;
  const { lineage, ...grantors } = await reading(deps, actor, async (tx) => ({
    lineage: found('lineage', await stores.licenses.lineage(tx, site.lineage)),
    contract: found('contract', await stores.contracts.get(tx, site.contract)),
    enterprise: found('enterprise', await stores.enterprises.get(tx, site.enterprise)),
    organization: await ownOrganization(deps, tx, site.organization),
  }));
  const head = lineage.head && (await issuance.find(site.organization, lineage.head));
  if (lineage.head === undefined || !head) return undefined;
  assertInForce(grantors, clock.now());
  const order = licenseOrder({
    ...grantors,
    site,
    lineage,
    kind: 'reissue',
    predecessor: lineage.head,
    key: { licensed: lineage.head },
    ground: `site:${site.id} version ${site.version}`,
    principal: actor.id,
  });
  return sameRights(order.claims, claimsOf(head.chain[0]!)) ? undefined : order;
}

const sameRights = (a: Claims, b: Claims): boolean =>
  equalBytes(encodeClaims({ ...a, sequence: 1 }), encodeClaims({ ...b, sequence: 1 }));
