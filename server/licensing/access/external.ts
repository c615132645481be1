import { createHash } from 'node:crypto';
import { LicetError } from '../errors.ts';
import { SLUG } from '../model/entity.ts';
import type { Transaction } from '../ports/transactions.ts';
import type { ExternalIdentity, IdentityProviders, ProviderClient } from './external-ports.ts';
import type { PendingSignIn, Person, SignInProvider } from './model.ts';
import { isAllowedIssuer, type ProviderDeps } from './providers.ts';
import { after, changed, organizationOf, record } from './record.ts';
import type { Sealer } from './seal.ts';
import { hashSecret, newSecret, sameHash } from './secrets.ts';
import { openSession, type SessionDeps, type SessionTokens } from './sessions.ts';
import { normalEmail } from './sign-in.ts';

const PENDING_SECONDS = 10 * 60;

export type ExternalDeps = SessionDeps & {
  readonly providers: IdentityProviders;
  readonly sealer: Sealer;
} & Pick<ProviderDeps, 'issuers'>;

export type Sent = {
  /** Of the provider. */
  readonly url: string;
  /** For a cookie: only the browser that was sent away may come back. */
  readonly browser: string;
};

/** Sends somebody to a provider of the organization, by its name. */
export async function beginExternal(
  deps: ExternalDeps,
  { organization, provider: name, redirectUri }: { organization: string; provider: string; redirectUri: string },
): Promise<Sent> {
  const provider =
    SLUG.test(organization) && SLUG.test(name) ? await findProvider(deps, organization, name) : undefined;
  if (provider === undefined || !isAllowedIssuer(provider.issuer, deps.issuers)) {
    throw new LicetError(
      'not-found',
      'PROVIDER_NOT_FOUND',
      'There is no such organization or provider; check the address.',
    );
  }
  const [state, browser] = [newSecret('state', deps.random), newSecret('browser', deps.random)];
  const [nonce, verifier] = [randomText(deps), randomText(deps)];
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  const request = { redirectUri, state, nonce, challenge };
  const url = await deps.providers.authorizationUrl(clientOf(deps, provider), request);
  const pending: PendingSignIn = {
    organization,
    provider: provider.id,
    state: hashSecret(state),
    browser: hashSecret(browser),
    nonce,
    verifier,
    expiresAt: after(deps.clock.now(), PENDING_SECONDS),
  };
  await deps.transactions.run({ organization }, (tx) => deps.stores.signIns.insert(tx, pending));
  return { url, browser };
}

export type Returned = {
  readonly state: string;
  readonly code: string;
  readonly browser: string;
  readonly redirectUri: string;
  /** RFC 9207: who says to have answered. */
  readonly iss?: string | undefined;
};

/** Whoever comes back becomes who the provider says, if the organization knows that one. */
export async function finishExternal(deps: ExternalDeps, returned: Returned): Promise<SessionTokens> {
  const { signIns, providers } = deps.stores;
  // Gone with this, whatever comes of it: no answer is taken twice.
  const pending = await deps.transactions.run('platform', (tx) => signIns.take(tx, hashSecret(returned.state)));
  const isOver = pending === undefined || pending.expiresAt.getTime() <= deps.clock.now().getTime();
  if (isOver || !sameHash(pending.browser, hashSecret(returned.browser))) throw refused();
  const { organization, nonce, verifier } = pending;
  const provider = await deps.transactions.run({ organization }, (tx) => providers.get(tx, pending.provider));
  if (provider === undefined || !isAllowedIssuer(provider.issuer, deps.issuers)) throw refused();
  if ((returned.iss ?? provider.issuer) !== provider.issuer) throw refused();
  const answer = { code: returned.code, redirectUri: returned.redirectUri, nonce, verifier };
  const identity = await deps.providers.redeem(clientOf(deps, provider), answer);
  return deps.transactions.run({ organization }, async (tx) => {
    const isActive = (await organizationOf(tx, deps, organization))?.status === 'active';
    const person = isActive ? await findPerson(deps, tx, provider, identity) : undefined;
    if (person?.status !== 'active') throw refused();
    return openSession(deps, tx, person, ['provider', provider.id]);
  });
}

async function findPerson(
  deps: ExternalDeps,
  tx: Transaction,
  provider: SignInProvider,
  identity: ExternalIdentity,
): Promise<Person | undefined> {
  const { people } = deps.stores;
  const { issuer } = provider;
  const { subject, email } = identity;
  const known = await people.list(tx, { where: { issuer, subject }, limit: 1 });
  if (known.items[0] !== undefined) return known.items[0];
  if (!provider.trustsEmail || !identity.isEmailVerified || email === undefined) return undefined;
  // Only who was invited and has never been here: otherwise a provider could take over accounts by their addresses.
  const invited = await people.list(tx, { where: { email: normalEmail(email), status: 'invited' }, limit: 1 });
  const found = invited.items[0] && (await people.lock(tx, invited.items[0].id));
  if (found?.status !== 'invited' || (found.invitedUntil?.getTime() ?? 0) <= deps.clock.now().getTime())
    return undefined;
  const link = { issuer, subject, status: 'active', invitation: undefined, invitedUntil: undefined } as const;
  const person = changed(deps, found, link);
  await people.replace(tx, person);
  const actor = `person:${person.id}`;
  const details = { provider: provider.id };
  await record(tx, deps, person.organization, { actor, action: 'person.linked', subject: actor, details });
  return person;
}

async function findProvider(
  deps: ExternalDeps,
  organization: string,
  name: string,
): Promise<SignInProvider | undefined> {
  const query = { where: { name }, limit: 1 };
  const page = await deps.transactions.run({ organization }, (tx) => deps.stores.providers.list(tx, query));
  return page.items[0];
}

const clientOf = ({ sealer }: ExternalDeps, { id, clientSecret, ...provider }: SignInProvider): ProviderClient => ({
  issuer: provider.issuer,
  clientId: provider.clientId,
  clientSecret: clientSecret === undefined ? undefined : sealer.open(clientSecret, id),
  algorithms: provider.algorithms,
});

/** 256 bits: enough for a nonce, and as long as RFC 7636 §4.1 wants a verifier to be. */
const randomText = ({ random }: ExternalDeps): string => Buffer.from(random.bytes(32)).toString('base64url');

const refused = (): LicetError =>
  new LicetError(
    'unauthenticated',
    'SIGN_IN_REFUSED',
    'This sign-in is over, was begun elsewhere, or the organization does not know you; begin anew, or ask to be invited.',
  );
