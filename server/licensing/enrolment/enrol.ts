import { equalBytes } from '@licet/format';
import { fingerprintDigest } from '@licet/verify';
import { z } from 'zod';
import { assertInForce } from '../contracts/in-force.ts';
import { found } from '../entities.ts';
import { LicetError } from '../errors.ts';
import { csr, slug } from '../fields.ts';
import { licenseOrder, mayPass } from '../licenses/order.ts';
import type { EnrolmentToken } from '../model/enrolment-token.ts';
import type { Principal } from '../model/principal.ts';
import type { Site } from '../model/site.ts';
import { ownOrganization } from '../organizations/organizations.ts';
import type { IssuedLicense, LicenseOrder } from '../ports/issuance.ts';
import { keyIn } from '../read-csr.ts';
import { fingerprints } from '../sites/fingerprints.ts';
import { addSite } from '../sites/new-site.ts';
import { type Dependencies, inTransaction, parsed, type Work } from '../use-case.ts';
import { approvalNeeded, assertOwnRequest, waitsForApproval } from './approval.ts';
import { firstLicense } from './first-license.ts';
import { judgeFirstRequest } from './first-request.ts';
import { begunWith, boundSite, installedAnew, moveIn, placeFor } from './place.ts';
import { hashToken, organizationOfToken } from './token.ts';

const input = z.strictObject({
  token: z.string().max(256).describe('The one-time enrolment token.'),
  csr,
  name: slug('The name of the site, where the token leaves it open').optional(),
  fingerprints: fingerprints.optional(),
  mayWait: z.boolean().default(true).describe('Whether a person may be asked, and the same key comes again.'),
});
type Input = z.output<typeof input>;

/** For who has sent another: a common name like "Plant 7" is none. */
export const NAME_FORM = 'small letters, digits and hyphens, at most 40';

/** The license that came of the token before, or the order for it. */
type Use = ({ readonly given: string } | { readonly order: LicenseOrder }) & {
  readonly token: string;
  /** The site as it is with that license; `isAnew`: its row says so when it has the license. */
  readonly site: Site;
  readonly isAnew: boolean;
};

/**
 * A token becomes the first license of a site. The token is bound to the key before anything is issued: of any number of
 * machines that show it at once one gets a license, and that one may ask again. Where a person has to agree first it
 * rejects with ENROLMENT_PENDING until that is done.
 */
export const enrol = Object.assign(
  (deps: Dependencies) =>
    async (raw: z.input<typeof input>): Promise<IssuedLicense> => {
      const asked = parsed(input, raw);
      const organization = organizationOfToken(asked.token);
      if (organization === undefined) throw unknownToken();
      const actor = { organization, id: 'enrolment' };
      const use = await inTransaction(deps, actor, (work) => useToken(deps, work, organization, asked));
      if (use === undefined) throw approvalNeeded();
      const license = await ('given' in use ? repeat(deps, organization, use.given) : issue(deps, use, asked.csr));
      // Before anybody has the license: the machine that was there before must not go on beside it.
      if (use.isAnew) await inTransaction(deps, actor, (work) => moveIn(deps, work, use.site));
      return license;
    },
  { input },
);

async function repeat({ issuance }: Dependencies, organization: string, serial: string): Promise<IssuedLicense> {
  return { ...found('license', await issuance.find(organization, serial)), fresh: false };
}

async function issue(
  { issuance, transactions, stores }: Dependencies,
  { token, order }: Extract<Use, { order: LicenseOrder }>,
  request: Uint8Array,
): Promise<IssuedLicense> {
  try {
    return await issuance.issue(order);
  } catch (error) {
    if (!mayPass(error)) {
      const { organization } = order;
      await transactions.run({ organization }, (tx) => stores.tokens.release(tx, token, keyIn(request)));
    }
    throw error;
  }
}

/** Undefined: a person has to decide first. */
async function useToken(deps: Dependencies, work: Work, organization: string, asked: Input): Promise<Use | undefined> {
  const { stores } = deps;
  const { tx, at, note } = work;
  const token = await stores.tokens.lock(tx, hashToken(asked.token));
  if (token === undefined) throw unknownToken();
  const key = keyIn(asked.csr);
  const given = await givenFor(deps, work, token, key);
  if (given === undefined) assertUsableToken(token, asked, key, at);
  const place = await placeFor(deps, work, token, token.name ?? token.asked?.name ?? asked.name ?? '');
  const { contract } = place;
  const enterprise = found('enterprise', await stores.enterprises.get(tx, contract.enterprise));
  assertInForce({ organization: await ownOrganization(deps, tx, organization), enterprise, contract }, at);
  if (given !== undefined && place.site !== undefined) {
    const { lineage = '' } = token;
    const isAnew = place.site.lineage !== lineage;
    const site = isAnew ? installedAnew(place.site, lineage, asked.fingerprints) : place.site;
    return { token: token.id, site, isAnew, given };
  }
  const begun = begunWith(token, place.site);
  const texts = asked.fingerprints ?? begun.fingerprints;
  const request = { csr: asked.csr, lineage: begun.lineage, fingerprints: texts.length };
  const to = { organization, enterprise: enterprise.slug, site: place.name, contract };
  await judgeFirstRequest(deps, tx, request, to);
  if (await waitsForApproval(deps, work, token, { ...asked, key })) return undefined;
  const actor: Pick<Principal, 'organization' | 'enterprise'> = { organization, enterprise: undefined };
  const { name, mode } = place;
  const wanted = { contract: contract.id, name, mode, shares: {}, labels: {} };
  const before = place.site ?? (await addSite(deps, work, actor, wanted)).site;
  const site = await boundSite(deps, work, token, before, asked.fingerprints);
  const { lineage } = site;
  if (token.key === undefined) {
    await stores.tokens.use(tx, token.id, { key, site: site.id, lineage }, at);
    note({ action: 'token.used', subject: `token:${token.id}`, details: { site: site.id } });
  }
  const order = licenseOrder({
    enterprise,
    contract,
    site,
    lineage: { id: lineage, sequence: 0, organization },
    kind: 'first',
    key: { csr: asked.csr },
    ground: `token:${token.id}`,
    principal: `token:${token.id}`,
  });
  return { token: token.id, site, isAnew: before.lineage !== lineage, order };
}

/** The license that came of the token before. Whatever became of it, there is no other. */
async function givenFor(
  deps: Dependencies,
  { tx, at }: Work,
  { lineage }: EnrolmentToken,
  key: Uint8Array,
): Promise<string | undefined> {
  const given = lineage === undefined ? 'none' : await firstLicense(deps, tx, { lineage, key, at });
  if (given === 'none') return undefined;
  if (given === 'revoked') {
    throw refusal('LICENSE_REVOKED', 'The license that came of this token is revoked; have a new token made.');
  }
  if (given !== 'other') return given.serial;
  throw refusal('TOKEN_USED', 'This token, or another for the same site, was used before; have a new one made.');
}

/** Who asked in time is not to lose by an outage of ours. */
const USE_STANDS_MS = 24 * 3600 * 1000;

function assertUsableToken(token: EnrolmentToken, asked: Input, key: Uint8Array, at: Date): void {
  const { expiresAt, usedAt } = token;
  if (token.key !== undefined) {
    if (!equalBytes(token.key, key)) {
      throw refusal('TOKEN_USED', 'This token was used before, with another key; have a new one made.');
    }
    const until = Math.max(expiresAt.getTime(), (usedAt ?? expiresAt).getTime() + USE_STANDS_MS);
    if (at.getTime() < until) return;
    throw refusal('TOKEN_EXPIRED', 'This token was used, and nothing came of it in time; have a new one made.');
  }
  if (token.withdrawnAt !== undefined)
    throw refusal('TOKEN_WITHDRAWN', 'This token was withdrawn; have a new one made.');
  assertOwnRequest(token, key);
  // Who asked in time is not to lose by how long it takes to decide.
  if (token.asked === undefined && at >= expiresAt) {
    throw refusal('TOKEN_EXPIRED', `This token expired at ${expiresAt.toISOString()}; have a new one made.`);
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

const unknownToken = (): LicetError =>
  new LicetError('unauthenticated', 'TOKEN_UNKNOWN', 'There is no such enrolment token; check that it is complete.');

const refusal = (code: string, message: string): LicetError => new LicetError('forbidden', code, message);
