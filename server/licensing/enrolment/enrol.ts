import { hash } from 'node:crypto';
import { equalBytes } from '@licet/format';
import { fingerprintDigest } from '@licet/verify';
import { z } from 'zod';
import { assertInForce } from '../contracts/in-force.ts';
import { changed, found } from '../entities.ts';
import { LicetError } from '../errors.ts';
import { csr, slug } from '../fields.ts';
import { licenseOrder, mayPass } from '../licenses/order.ts';
import type { Contract } from '../model/contract.ts';
import type { EnrolmentToken } from '../model/enrolment-token.ts';
import { newId } from '../model/id.ts';
import type { Principal } from '../model/principal.ts';
import type { Site } from '../model/site.ts';
import { ownOrganization } from '../organizations/organizations.ts';
import type { IssuedLicense, LicenseOrder } from '../ports/issuance.ts';
import { readCsr } from '../read-csr.ts';
import { addFingerprints, fingerprints } from '../sites/fingerprints.ts';
import { addSite, beginLineage } from '../sites/new-site.ts';
import { endLineage } from '../sites/site-life.ts';
import { type Dependencies, inTransaction, parsed, type Work } from '../use-case.ts';
import { approvalNeeded, assertOwnRequest, waitsForApproval } from './approval.ts';
import { assertOwnNames } from './asked-names.ts';
import { hashToken, organizationOfToken } from './token.ts';

const input = z.strictObject({
  token: z.string().max(256).describe('The one-time enrolment token.'),
  csr,
  name: slug('The name of the site, where the token leaves it open').optional(),
  fingerprints: fingerprints.optional(),
});
type Input = z.output<typeof input>;

/** For who has sent another: a common name like "Plant 7" is none. */
export const NAME_FORM = 'small letters, digits and hyphens, at most 40';

/**
 * A token becomes the first license of a site. The token is bound to the request before anything is issued: of any
 * number of requests that show it at once one gets a license, and that one may be repeated. Where a person has to agree
 * first it rejects with ENROLMENT_PENDING until that is done.
 */
export const enrol = Object.assign(
  (deps: Dependencies) =>
    async (raw: z.input<typeof input>): Promise<IssuedLicense> => {
      const asked = parsed(input, raw);
      const organization = organizationOfToken(asked.token);
      if (organization === undefined) throw unknownToken();
      const request = hash('sha256', asked.csr, 'buffer');
      const used = await inTransaction(deps, { organization, id: 'enrolment' }, (work) =>
        useToken(deps, work, organization, asked, request),
      );
      if (used === undefined) throw approvalNeeded();
      const { order, token } = used;
      try {
        return await deps.issuance.issue(order);
      } catch (error) {
        if (!mayPass(error)) {
          await deps.transactions.run({ organization }, (tx) => deps.stores.tokens.release(tx, token.id, request));
        }
        throw error;
      }
    },
  { input },
);

/** Undefined: a person has to decide first. */
async function useToken(
  deps: Dependencies,
  work: Work,
  organization: string,
  asked: Input,
  request: Uint8Array,
): Promise<{ order: LicenseOrder; token: EnrolmentToken } | undefined> {
  const token = await deps.stores.tokens.lock(work.tx, hashToken(asked.token));
  if (token === undefined) throw unknownToken();
  assertUsableToken(token, asked, request, work.at);
  if (await waitsForApproval(deps, work, token, { csr: asked.csr, request, name: asked.name })) return undefined;
  const { site, contract } = await siteOf(deps, work, token, asked);
  const bound = token.request === undefined ? await addFingerprints(deps, work, site, asked.fingerprints) : site;
  const enterprise = found('enterprise', await deps.stores.enterprises.get(work.tx, site.enterprise));
  assertInForce({ organization: await ownOrganization(deps, work.tx, organization), enterprise, contract }, work.at);
  if (token.request === undefined) {
    const use = { request, site: site.id, lineage: site.lineage };
    await deps.stores.tokens.use(work.tx, token.id, use, work.at);
    work.note({ action: 'token.used', subject: `token:${token.id}`, details: { site: site.id } });
  }
  assertOwnNames(readCsr(asked.csr), { organization, enterprise: enterprise.slug, site: bound.name });
  const order = licenseOrder({
    enterprise,
    contract,
    site: bound,
    lineage: { id: bound.lineage, sequence: 0, organization },
    kind: 'first',
    key: { csr: asked.csr },
    ground: `token:${token.id}`,
    principal: `token:${token.id}`,
  });
  return { order, token };
}

function assertUsableToken(token: EnrolmentToken, asked: Input, request: Uint8Array, at: Date): void {
  if (token.request !== undefined) {
    if (equalBytes(token.request, request)) return;
    throw refusal('TOKEN_USED', 'This token was used before, with another request; have a new one made.');
  }
  if (token.withdrawnAt !== undefined)
    throw refusal('TOKEN_WITHDRAWN', 'This token was withdrawn; have a new one made.');
  assertOwnRequest(token, request);
  // Who asked in time is not to lose by how long it takes to decide.
  if (token.asked === undefined && at >= token.expiresAt) {
    throw refusal('TOKEN_EXPIRED', `This token expired at ${token.expiresAt.toISOString()}; have a new one made.`);
  }
  if (token.name !== undefined && asked.name !== undefined && token.name !== asked.name) {
    throw refusal('TOKEN_NAME', `This token is for a site named "${token.name}" and for no other.`);
  }
  if (token.site === undefined && (token.name ?? asked.name) === undefined) {
    const message = `Say how the site is to be named, over EST as common name of the request: ${NAME_FORM}.`;
    throw new LicetError('invalid', 'NAME_NEEDED', message, { pointer: '/name' });
  }
  const digests = (asked.fingerprints ?? []).map((one) => fingerprintDigest(token.id, one));
  if (token.fingerprint !== undefined && !digests.includes(token.fingerprint)) {
    throw refusal('TOKEN_FINGERPRINT', 'This token is for another machine: its fingerprint is not among those sent.');
  }
}

/** The site that the token is for, made or installed anew as the case may be. */
async function siteOf(
  deps: Dependencies,
  work: Work,
  token: EnrolmentToken,
  asked: Input,
): Promise<{ site: Site; contract: Contract }> {
  if (token.site === undefined) {
    // One of the two is there: see `assertUsableToken`.
    const name = token.name ?? asked.name ?? '';
    const actor: Pick<Principal, 'organization' | 'enterprise'> = { ...token, enterprise: undefined };
    const { contract, mode } = token;
    const begun = await begunSite(deps, work, token);
    return begun ?? addSite(deps, work, actor, { contract, name, mode, shares: {}, labels: {} });
  }
  const site = found('site', await deps.stores.sites.lock(work.tx, token.site));
  if (site.status === 'retired' || site.status === 'suspended') {
    throw refusal('SITE_NOT_LIVE', `The site is ${site.status}; it cannot be installed.`);
  }
  const contract = found('contract', await deps.stores.contracts.get(work.tx, site.contract));
  return { site: token.request === undefined ? await renewed(deps, work, site) : site, contract };
}

/**
 * A request that came to nothing leaves its site behind, without a license; another token that names it goes on there.
 * Where the site chooses its name it does not: the one that is there may have been made for somebody else.
 */
async function begunSite(
  { stores }: Dependencies,
  { tx }: Work,
  { enterprise, contract: id, mode, name }: EnrolmentToken,
): Promise<{ site: Site; contract: Contract } | undefined> {
  if (name === undefined) return undefined;
  // The lock under which sites of the contract come into being.
  const contract = found('contract', await stores.contracts.lock(tx, id));
  const { items } = await stores.sites.list(tx, { where: { enterprise, name }, limit: 10 });
  const site = items.find(({ status }) => status !== 'retired');
  if (site === undefined) return undefined;
  if (site.status === 'pending' && site.contract === id && site.mode === mode) return { site, contract };
  const message = `A site named "${name}" is there already; have a token made for that site, or for another name.`;
  throw new LicetError('conflict', 'SITE_EXISTS', message);
}

/** A site that has had a license begins a new lineage: the machine that had the old one must not come back with it. */
async function renewed(deps: Dependencies, work: Work, site: Site): Promise<Site> {
  if (site.status === 'pending') return site;
  await endLineage(deps, work, site, 'superseded');
  const anew = changed(site, work.at, { lineage: newId(deps.clock, deps.random), fingerprints: [] });
  await deps.stores.sites.replace(work.tx, anew);
  await beginLineage(deps, work, anew);
  work.note({ action: 'site.installed-anew', subject: `site:${site.id}`, details: { lineage: anew.lineage } });
  return anew;
}

const unknownToken = (): LicetError =>
  new LicetError('unauthenticated', 'TOKEN_UNKNOWN', 'There is no such enrolment token; check that it is complete.');

const refusal = (code: string, message: string): LicetError => new LicetError('forbidden', code, message);
