import { equalBytes } from '@licet/format';
import { z } from 'zod';
import { assertInForce } from '../contracts/in-force.ts';
import { found } from '../entities.ts';
import { LicetError } from '../errors.ts';
import { csr, reference } from '../fields.ts';
import { licenseOrder } from '../licenses/order.ts';
import type { Site } from '../model/site.ts';
import { ownOrganization } from '../organizations/organizations.ts';
import type { IssuedLicense, LicenseOrder } from '../ports/issuance.ts';
import { keyIn } from '../read-csr.ts';
import { addFingerprints, fingerprintsIn } from '../sites/fingerprints.ts';
import { assertInstallable } from '../sites/installable.ts';
import { type Dependencies, inTransaction, useCase, type Work } from '../use-case.ts';
import { enterpriseOf } from './create-token.ts';

type Decided = { readonly order: LicenseOrder } | { readonly repeats: string };

/**
 * The first license of a site whose request somebody has carried here: no token and no network at the site. Who carries
 * it vouches for it. The same request again gets the same license.
 */
export const issueByHand = useCase(
  z.strictObject({ site: reference('site'), csr }),
  async (deps, actor, input): Promise<IssuedLicense> => {
    const decided = await inTransaction(deps, actor, async (work): Promise<Decided> => {
      const site = found('site', await deps.stores.sites.lock(work.tx, input.site), actor, enterpriseOf);
      assertInstallable(site, 'operator');
      if (site.status !== 'pending') return { repeats: await licenseFor(deps, work, site, input.csr) };
      return { order: await firstOrder(deps, work, site, input.csr, actor.id) };
    });
    if ('order' in decided) return deps.issuance.issue(decided.order);
    return { ...found('license', await deps.issuance.find(actor.organization, decided.repeats)), fresh: false };
  },
);

async function firstOrder(
  deps: Dependencies,
  work: Work,
  site: Site,
  request: Uint8Array,
  principal: string,
): Promise<LicenseOrder> {
  const { stores } = deps;
  const bound = await addFingerprints(deps, work, site, fingerprintsIn(request));
  const contract = found('contract', await stores.contracts.get(work.tx, site.contract));
  const enterprise = found('enterprise', await stores.enterprises.get(work.tx, site.enterprise));
  assertInForce(
    { organization: await ownOrganization(deps, work.tx, site.organization), enterprise, contract },
    work.at,
  );
  return licenseOrder({
    enterprise,
    contract,
    site: bound,
    lineage: { id: site.lineage, sequence: 0, organization: site.organization },
    kind: 'first',
    key: { csr: request },
    ground: `site:${site.id}`,
    principal,
  });
}

/** The license that this very key has already. */
async function licenseFor({ stores }: Dependencies, { tx }: Work, site: Site, request: Uint8Array): Promise<string> {
  const lineage = found('lineage', await stores.licenses.lineage(tx, site.lineage));
  const head = lineage.head === undefined ? undefined : await stores.licenses.get(tx, lineage.head);
  if (head !== undefined && equalBytes(head.publicKey, keyIn(request))) return head.serial;
  const message = 'The site has its license: have it renewed, or install the site anew with an enrolment token.';
  throw new LicetError('conflict', 'SITE_ENROLLED', message);
}
