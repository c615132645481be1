import { z } from 'zod';
import { assertInForce } from '../contracts/in-force.ts';
import { issueToken, type ShownToken, tokenForSite, tokenOptions } from '../enrolment/create-token.ts';
import { found } from '../entities.ts';
import { count, csr, labels, mode, reference, slug } from '../fields.ts';
import { licenseOrder } from '../licenses/order.ts';
import type { Contract } from '../model/contract.ts';
import type { Principal } from '../model/principal.ts';
import type { Site } from '../model/site.ts';
import { ownOrganization } from '../organizations/organizations.ts';
import type { IssuedLicense } from '../ports/issuance.ts';
import { type Dependencies, inTransaction, reading, useCase, type Work } from '../use-case.ts';
import { addFingerprints, fingerprints } from './fingerprints.ts';
import { addSite } from './new-site.ts';
import { retire } from './site-life.ts';

export const shares = z
  .record(z.string().max(64), count)
  .describe('What the site takes of each pool of its contract, by code of the limit.')
  .meta({ example: { machines: 3 } });

export type CreatedSite = {
  readonly site: Site;
  readonly enrolment: ShownToken | undefined;
  readonly license: IssuedLicense | undefined;
};

/** A site, and the way to its first license: a one-time token, or the license itself when the request is there. */
export const createSite = useCase(
  z.strictObject({
    contract: reference('contract'),
    name: slug('The name of the site, unique among those of its enterprise'),
    mode,
    shares: shares.default({}),
    labels: labels.default({}),
    csr: csr.optional(),
    fingerprints: fingerprints.optional(),
    token: tokenOptions,
  }),
  async (deps, actor, input): Promise<CreatedSite> => {
    const made = await inTransaction(deps, actor, async (work) => {
      const { site, contract } = await addSite(deps, work, actor, input);
      if (input.csr === undefined) {
        const enrolment = await issueToken(deps, work, actor, tokenForSite(site), input.token);
        return { site, contract, enrolment };
      }
      const bound = await addFingerprints(deps, work, site, input.fingerprints);
      return { site: bound, contract, enrolment: undefined };
    });
    if (input.csr === undefined) return { ...made, license: undefined };
    return issueFirst(deps, actor, made, input.csr);
  },
);

type Made = { readonly site: Site; readonly contract: Contract };

/** When there can be no license there shall be no site either: what was asked for is both. */
async function issueFirst(deps: Dependencies, actor: Principal, made: Made, request: Uint8Array): Promise<CreatedSite> {
  const { site, contract } = made;
  try {
    const enterprise = await inTransaction(deps, actor, (work) => assertIssuable(deps, work, made));
    const order = licenseOrder({
      enterprise,
      contract,
      site,
      lineage: { id: site.lineage, sequence: 0, organization: site.organization },
      kind: 'first',
      key: { csr: request },
      ground: `site:${site.id}`,
      principal: actor.id,
    });
    const license = await deps.issuance.issue(order);
    return { site: await readSite(deps, actor, site.id), enrolment: undefined, license };
  } catch (error) {
    await inTransaction(deps, actor, (work) => retire(deps, work, site.id));
    throw error;
  }
}

async function assertIssuable(deps: Dependencies, { tx, at }: Work, { site, contract }: Made) {
  const organization = await ownOrganization(deps, tx, site.organization);
  const enterprise = found('enterprise', await deps.stores.enterprises.get(tx, contract.enterprise));
  assertInForce({ organization, enterprise, contract }, at);
  return enterprise;
}

export function readSite(deps: Dependencies, actor: Pick<Principal, 'organization'>, id: string): Promise<Site> {
  return reading(deps, actor, async (tx) => found('site', await deps.stores.sites.get(tx, id)));
}
