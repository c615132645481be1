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
import { bindTo, fingerprintsIn } from '../sites/fingerprints.ts';
import { assertInstallable } from '../sites/installable.ts';
import { type Dependencies, inTransaction, useCase, type Work } from '../use-case.ts';
import { enterpriseOf } from './create-token.ts';
import { judgeFirstRequest } from './first-request.ts';

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
  const { organization, lineage, name } = site;
  const contract = found('contract', await stores.contracts.get(work.tx, site.contract));
  const enterprise = found('enterprise', await stores.enterprises.get(work.tx, site.enterprise));
  assertInForce({ organization: await ownOrganization(deps, work.tx, organization), enterprise, contract }, work.at);
  const texts = fingerprintsIn(request) ?? [];
  const to = { organization, enterprise: enterprise.slug, site: name, contract };
  await judgeFirstRequest(deps, work.tx, { csr: request, lineage, fingerprints: texts.length }, to);
  const bound = await bindTo(deps, work, site, texts);
  return licenseOrder({
    enterprise,
    contract,
    site: bound,
    lineage: { id: lineage, sequence: 0, organization },
    kind: 'first',
    key: { csr: request },
    ground: `site:${site.id}`,
    principal,
  });
}

/** The license that this very key has already, as long as it is good. */
async function licenseFor(
  { stores }: Dependencies,
  { tx, at }: Work,
  site: Site,
  request: Uint8Array,
): Promise<string> {
  const lineage = found('lineage', await stores.licenses.lineage(tx, site.lineage));
  const head = lineage.head === undefined ? undefined : await stores.licenses.get(tx, lineage.head);
  if (head !== undefined && head.notAfter >= at && equalBytes(head.publicKey, keyIn(request))) {
    if (head.status !== 'revoked') return head.serial;
    const message = 'The license of this request is revoked; install the site anew with an enrolment token.';
    throw new LicetError('forbidden', 'LICENSE_REVOKED', message);
  }
  const message = 'The site has its license: have it renewed, or install the site anew with an enrolment token.';
  throw new LicetError('conflict', 'SITE_ENROLLED', message);
}
