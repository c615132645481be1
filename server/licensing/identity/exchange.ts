import { hash } from 'node:crypto';
import { z } from 'zod';
import { assertInForce } from '../contracts/in-force.ts';
import { enterpriseOf } from '../enrolment/create-token.ts';
import { found } from '../entities.ts';
import { LicetError } from '../errors.ts';
import { csr, slug } from '../fields.ts';
import { licenseOrder, mayPass } from '../licenses/order.ts';
import type { Principal } from '../model/principal.ts';
import type { Site } from '../model/site.ts';
import { ownOrganization } from '../organizations/organizations.ts';
import type { IssuedLicense } from '../ports/issuance.ts';
import { addSite } from '../sites/new-site.ts';
import { type Dependencies, inTransaction, parsed, reading, type Work } from '../use-case.ts';
import type { IdentityStores, IdentityTokens, UsedToken, VerifiedToken } from './ports.ts';
import { isKubernetes, matches, type TrustRule, valueOf } from './trust-rule.ts';

export type IdentityDeps = Dependencies & { readonly identities: IdentityStores; readonly tokens: IdentityTokens };

const TOKEN_MOST = 16 * 1024;

export const exchangeInput = z.strictObject({
  organization: slug('The vendor whose license is asked for'),
  token: z.string().min(1).max(TOKEN_MOST).describe('An OpenID Connect identity token (JWT).'),
  csr,
});

/**
 * A short license for whoever an issuer vouches for. The token says who asks and is used once; the request, signed with
 * its own key, shows who will have the license (`authority` checks that signature). One site stands for all builds of one
 * repository: each build has a license of its own, and they end by themselves.
 */
export async function exchangeIdentity(
  deps: IdentityDeps,
  raw: z.input<typeof exchangeInput>,
): Promise<IssuedLicense & { readonly site: string }> {
  const { organization, token, csr: request } = parsed(exchangeInput, raw);
  const issuer = deps.tokens.issuerOf(token);
  const rules = await reading(deps, { organization }, (tx) => deps.identities.rules.ofIssuer(tx, issuer));
  if (rules.length === 0) throw refusal('IDENTITY_ISSUER_UNKNOWN', `No rule trusts the issuer ${quoted(issuer)}.`);
  const audiences = [...new Set(rules.map(({ audience }) => audience))];
  // An issuer without discovery has one place for its keys, so whichever rule says it says it for all.
  const keys = rules.find((one) => one.keys !== undefined)?.keys;
  const mayList = rules.some(isKubernetes);
  const verified = await deps.tokens.verify(token, { issuer, audiences, keys, mayList });
  const rule = rules.find((one) => matches(one, verified.claims));
  if (rule === undefined) {
    throw refusal('IDENTITY_NOT_TRUSTED', 'The token is genuine, and no rule is for what it says; ask the vendor.');
  }
  return issue(deps, { rule, verified, request });
}

type Exchange = { readonly rule: TrustRule; readonly verified: VerifiedToken; readonly request: Uint8Array };

async function issue(deps: IdentityDeps, exchange: Exchange): Promise<IssuedLicense & { readonly site: string }> {
  const { rule, verified, request } = exchange;
  const principal = principalOf(rule, verified);
  const name = siteName(rule, verified);
  const { order, site } = await inTransaction(deps, principal, async (work) => {
    await spend(deps, work, exchange);
    const { stores } = deps;
    const contract = found('contract', await stores.contracts.get(work.tx, rule.contract), principal, enterpriseOf);
    const enterprise = found('enterprise', await stores.enterprises.get(work.tx, contract.enterprise));
    const own = await ownOrganization(deps, work.tx, rule.organization);
    assertInForce({ organization: own, enterprise, contract }, work.at);
    const at = await siteOf(deps, work, principal, rule, name);
    // Before anything of it is kept: the token, the site.
    await deps.issuance.checkRequest(work.tx, request, at.lineage);
    const lineage = found('lineage', await stores.licenses.lineage(work.tx, at.lineage));
    const parts = { enterprise, contract, site: at, lineage, kind: 'build', key: { csr: request } } as const;
    const ground = `identity:${rule.id}:${verified.id}`;
    const { claims, ...order } = licenseOrder({ ...parts, ground, principal: principal.id });
    // The grace of the contract is for sites that cannot reach us for a while; what is for hours ends then.
    return { order: { ...order, claims: { ...claims, grace: 0 } }, site: at };
  });
  const until = new Date(deps.clock.now().getTime() + rule.lifetime * 1000);
  try {
    return { ...(await deps.issuance.issue({ ...order, until })), site: site.name };
  } catch (error) {
    // Nothing will ever come of this request: the build may correct it without another token.
    if (!mayPass(error)) {
      const { organization } = rule;
      await deps.transactions.run({ organization }, (tx) =>
        deps.identities.used.release(tx, usedToken(exchange), digestOf(request)),
      );
    }
    throw error;
  }
}

/** The same token with the same request is the same question, asked again because the answer was lost. */
async function spend({ identities }: IdentityDeps, { tx }: Work, exchange: Exchange): Promise<void> {
  if (await identities.used.use(tx, usedToken(exchange), digestOf(exchange.request))) return;
  throw refusal('IDENTITY_USED', 'This identity token was used before; have the issuer make a new one.');
}

const usedToken = ({ rule: { organization, issuer }, verified: { id, expiresAt } }: Exchange): UsedToken => ({
  organization,
  issuer,
  id,
  expiresAt,
});

const digestOf = (request: Uint8Array): Uint8Array => hash('sha256', request, 'buffer');

async function siteOf(
  deps: IdentityDeps,
  work: Work,
  principal: Principal,
  rule: TrustRule,
  name: string,
): Promise<Site> {
  // Builds that start together must not make the site twice: the lock of the contract makes them wait for each other.
  await deps.stores.contracts.lock(work.tx, rule.contract);
  const { items } = await deps.stores.sites.list(work.tx, { where: { enterprise: rule.enterprise, name }, limit: 10 });
  const site = items.find(({ status }) => status !== 'retired');
  if (site === undefined) {
    const { contract, mode, id: trustRule } = rule;
    return (await addSite(deps, work, principal, { contract, mode, name, shares: {}, labels: {}, trustRule })).site;
  }
  assertFor(rule, site);
  return site;
}

function assertFor(rule: TrustRule, { id, name, status, contract, mode }: Site): void {
  if (status === 'suspended') throw refusal('SITE_SUSPENDED', `The site ${name} is suspended; ask the vendor.`);
  const change = `the vendor settles that with: licet site change ${id}`;
  if (contract !== rule.contract) {
    const message = `The site ${name} is of another contract than the rule; ${change} --contract ${rule.contract}`;
    throw refusal('IDENTITY_CONTRACT', message);
  }
  if (mode !== rule.mode) {
    const message = `The site ${name} is for ${mode} and the rule for ${rule.mode}; ${change} --mode ${rule.mode}`;
    throw refusal('IDENTITY_MODE', message);
  }
}

/**
 * `ci-123456-abcdef`: stable when the repository is renamed, and no name that anybody can choose. A site for each mode:
 * what builds a pull request must not get what builds a release, whichever came first.
 */
function siteName(rule: TrustRule, { claims }: VerifiedToken): string {
  const value = valueOf(claims, rule.siteClaim);
  if (value === undefined) {
    throw refusal('IDENTITY_CLAIM_MISSING', `The token does not say ${rule.siteClaim}, by which sites are told apart.`);
  }
  const digest = hash('sha256', `${rule.issuer}\n${rule.siteClaim}\n${value}\n${rule.mode}`, 'hex').slice(0, 12);
  return /^[0-9]{1,20}$/.test(value) ? `ci-${value}-${digest.slice(0, 6)}` : `ci-${digest}`;
}

const principalOf = (rule: TrustRule, { claims }: VerifiedToken): Principal => ({
  kind: 'token',
  id: `identity:${rule.id}:${hash('sha256', String(valueOf(claims, rule.siteClaim)), 'hex').slice(0, 16)}`,
  organization: rule.organization,
  roles: [],
  enterprise: rule.enterprise,
  site: undefined,
});

const refusal = (code: string, message: string): LicetError => new LicetError('forbidden', code, message);

const quoted = (text: string): string => JSON.stringify(text.slice(0, 200));
