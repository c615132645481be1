import { equalBytes } from '@licet/format';
import { z } from 'zod';
import { boundsOf } from '../access/authorize.ts';
import { assertInForce } from '../contracts/in-force.ts';
import { previewSite } from '../contracts/preview.ts';
import { issueToken, type ShownToken, tokenForSite, tokenOptions } from '../enrolment/create-token.ts';
import { firstLicense } from '../enrolment/first-license.ts';
import { judgeFirstRequest } from '../enrolment/first-request.ts';
import { found } from '../entities.ts';
import { LicetError } from '../errors.ts';
import { count, csr, labels, mode, reference, slug } from '../fields.ts';
import { licenseOrder, mayPass } from '../licenses/order.ts';
import type { Contract } from '../model/contract.ts';
import type { Enterprise } from '../model/enterprise.ts';
import type { Principal } from '../model/principal.ts';
import type { Site } from '../model/site.ts';
import { ownOrganization } from '../organizations/organizations.ts';
import type { IssuedLicense } from '../ports/issuance.ts';
import type { Transaction } from '../ports/transactions.ts';
import { keyIn } from '../read-csr.ts';
import { type Dependencies, inTransaction, reading, useCase, type Work } from '../use-case.ts';
import { bindTo, fingerprints, fingerprintsIn } from './fingerprints.ts';
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
    const { csr: der } = input;
    if (der !== undefined) {
      boundsOf(actor, 'license.issue');
      return issueFirst(deps, actor, await siteFor(deps, actor, { ...input, csr: der }), der);
    }
    if (input.fingerprints !== undefined) throw fingerprintsMisplaced();
    const made = await inTransaction(deps, actor, async (work) => {
      const { site } = await addSite(deps, work, actor, input);
      return { site, enrolment: await issueToken(deps, work, actor, tokenForSite(site), input.token) };
    });
    return { ...made, license: undefined };
  },
);

/**
 * For a dry run, whose transactions are undone: all that can be known before the license is asked for, which is not. What
 * is signed stays signed, and its key would belong to a license that no site has.
 */
export const trySite = useCase(createSite.input, async (deps, actor, input): Promise<{ readonly site: Site }> => {
  const { csr: der } = input;
  if (der === undefined) return createSite(deps)(actor, { ...input, csr: undefined });
  boundsOf(actor, 'license.issue');
  return siteFor(deps, actor, { ...input, csr: der });
});

/** Passed over, they would be taken for a binding. */
function fingerprintsMisplaced(): LicetError {
  const message = 'Fingerprints go with the request; say by token.fingerprint on which machine a token may be used.';
  return new LicetError('invalid', 'FINGERPRINTS_MISPLACED', message, { pointer: '/fingerprints' });
}

type Input = z.output<typeof createSite.input>;
type Made = { readonly site: Site; readonly contract: Contract; readonly enterprise: Enterprise };
/** `given`: the license that it has already. */
type MadeBefore = Made & { readonly given?: string };

/**
 * A new site that may have a license now; or, when a request for this very key has made one and its answer was lost, that one. In
 * one transaction with everything that can be known before its license is asked for.
 */
async function siteFor(
  deps: Dependencies,
  actor: Principal,
  input: Input & { readonly csr: Uint8Array },
): Promise<MadeBefore> {
  const key = keyIn(input.csr);
  const texts = input.fingerprints ?? fingerprintsIn(input.csr) ?? [];
  try {
    await assertNotRefusedAbove(deps, actor, input, texts.length);
    return await inTransaction(deps, actor, async (work) => {
      const { site, contract } = await addSite(deps, work, actor, { ...input, key });
      const enterprise = await assertIssuable(deps, work.tx, contract, work.at);
      const asked = { csr: input.csr, lineage: undefined, fingerprints: texts.length };
      const to = { organization: site.organization, enterprise: enterprise.slug, site: site.name, contract };
      await judgeFirstRequest(deps, work.tx, asked, to);
      return { site: await bindTo(deps, work, site, texts), contract, enterprise };
    });
  } catch (error) {
    // Whatever the new one is in conflict with (name, seat, share of a pool) may be that one.
    const isConflict = error instanceof LicetError && error.kind === 'conflict';
    const made = isConflict ? await siteOf(deps, actor, input, key) : undefined;
    if (made === undefined) throw error;
    return made;
  }
}

/** What else the CA above may lack passes: its site may wait for that. */
const FINAL_ABOVE = new Set(['CLAIMS_ABOVE_PARENT', 'AUTHORITY_DELEGATED']);

/** Before its transaction, for the CAs are read in one of their own. What the contract itself refuses is said there. */
async function assertNotRefusedAbove(
  deps: Dependencies,
  actor: Principal,
  { contract, mode: wanted, shares: taken }: Input,
  known: number,
): Promise<void> {
  const { obstacles } = await previewSite(deps)(actor, { contract, mode: wanted, shares: taken, fingerprints: known });
  const final = obstacles.filter(({ code }) => FINAL_ABOVE.has(code));
  if (final.length === 0 || final.length < obstacles.length) return;
  const points = final.map(({ claim, detail }) => (claim === 'issuer' ? detail : `${claim}: ${detail}`));
  const message = `The CA above gives no license for this: ${points.join('; ')}`;
  throw new LicetError('conflict', final[0]!.code, message);
}

function siteOf(
  deps: Dependencies,
  actor: Principal,
  { contract: sold, name, mode: wanted }: Input,
  key: Uint8Array,
): Promise<MadeBefore | undefined> {
  const { stores } = deps;
  return reading(deps, actor, async (tx) => {
    const contract = await stores.contracts.get(tx, sold);
    if (contract === undefined) return undefined;
    const where = { enterprise: contract.enterprise, name };
    const { items } = await stores.sites.list(tx, { where, newestFirst: true, limit: 1 });
    const [site] = items;
    const isSame = site?.status !== 'retired' && site?.contract === sold && site.mode === wanted;
    if (!isSame || site.key === undefined || !equalBytes(site.key, key)) return undefined;
    const at = deps.clock.now();
    const made = { site, contract, enterprise: await assertIssuable(deps, tx, contract, at) };
    const given = await firstLicense(deps, tx, { lineage: site.lineage, key, at });
    if (given === 'none') return made;
    return typeof given === 'string' ? undefined : { ...made, given: given.serial };
  });
}

/**
 * When there can be no license there shall be no site either: what was asked for is both. But what may pass is asked for
 * again, and then this site is meant.
 */
async function issueFirst(
  deps: Dependencies,
  actor: Principal,
  { given, ...made }: MadeBefore,
  request: Uint8Array,
): Promise<CreatedSite> {
  const { site } = made;
  if (given !== undefined) {
    const license = found('license', await deps.issuance.find(actor.organization, given));
    return { site, enrolment: undefined, license };
  }
  try {
    const order = licenseOrder({
      ...made,
      lineage: { id: site.lineage, sequence: 0, organization: site.organization },
      kind: 'first',
      key: { csr: request },
      ground: `site:${site.id}`,
      principal: actor.id,
    });
    const license = await deps.issuance.issue(order);
    return { site: await readSite(deps, actor, site.id), enrolment: undefined, license };
  } catch (error) {
    if (!mayPass(error)) await inTransaction(deps, actor, (work) => giveUp(deps, work, site.id));
    throw error;
  }
}

async function giveUp(deps: Dependencies, work: Work, id: string): Promise<void> {
  const site = await deps.stores.sites.lock(work.tx, id);
  // One that has its license got it from an earlier attempt.
  if (site?.status === 'pending') await retire(deps, work, id);
}

async function assertIssuable(deps: Dependencies, tx: Transaction, contract: Contract, at: Date): Promise<Enterprise> {
  const organization = await ownOrganization(deps, tx, contract.organization);
  const enterprise = found('enterprise', await deps.stores.enterprises.get(tx, contract.enterprise));
  assertInForce({ organization, enterprise, contract }, at);
  return enterprise;
}

export function readSite(deps: Dependencies, actor: Pick<Principal, 'organization'>, id: string): Promise<Site> {
  return reading(deps, actor, async (tx) => found('site', await deps.stores.sites.get(tx, id)));
}
