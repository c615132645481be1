import { LicetError } from '../errors.ts';
import { SLUG } from '../model/entity.ts';
import type { Principal } from '../model/principal.ts';
import type { Transaction } from '../ports/transactions.ts';
import { type Guarded, withApproval } from './approvals.ts';
import { authorize } from './authorize.ts';
import type { SignInProvider } from './model.ts';
import type { AccessDeps } from './ports.ts';
import { newEntity, record } from './record.ts';
import type { Sealer } from './seal.ts';
import { hashSecret } from './secrets.ts';

/** None with a shared secret: whoever could check such a token could make it. */
export const ID_TOKEN_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'] as const;

export type ProviderDeps = AccessDeps & {
  readonly sealer: Sealer;
  /** Which issuers whoever runs this server lets organizations choose: exact, or any by `*`. */
  readonly issuers: readonly string[];
};

export type NewProvider = {
  readonly name: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret?: string | undefined;
  readonly algorithms: readonly string[];
  readonly trustsEmail: boolean;
};

/** Whoever may add a provider may become anybody whom the organization has invited. */
export async function addProvider(
  deps: ProviderDeps,
  tx: Transaction,
  principal: Principal,
  input: NewProvider,
): Promise<Guarded<SignInProvider>> {
  authorize(principal, 'provider.change', { organization: principal.organization });
  check(input, deps.issuers);
  const { clientSecret, ...shown } = input;
  const payload = { ...shown, ...(clientSecret !== undefined && { clientSecret: hashSecret(clientSecret) }) };
  const act = { action: 'provider.change', subject: `provider:${input.name}`, payload } as const;
  return withApproval(deps, tx, principal, act, async () => {
    const entity = newEntity(deps, principal.organization);
    const sealed = clientSecret === undefined ? undefined : deps.sealer.seal(clientSecret, entity.id);
    const provider: SignInProvider = { ...entity, ...shown, clientSecret: sealed };
    await deps.stores.providers.insert(tx, provider);
    const { issuer, trustsEmail } = provider;
    const happening = { actor: principal.id, action: 'provider.added', subject: `provider:${provider.id}` };
    await record(tx, deps, principal.organization, { ...happening, details: { issuer, trustsEmail } });
    return provider;
  });
}

/** Nobody comes in by it from then on; who is in stays until the session ends. */
export async function removeProvider(
  deps: ProviderDeps,
  tx: Transaction,
  principal: Principal,
  id: string,
): Promise<Guarded<void>> {
  const provider = await deps.stores.providers.lock(tx, id);
  authorize(principal, 'provider.change', provider);
  const subject = `provider:${id}`;
  const act = { action: 'provider.change', subject, payload: { remove: id } } as const;
  return withApproval(deps, tx, principal, act, async () => {
    await deps.stores.removeProvider(tx, id);
    await record(tx, deps, principal.organization, { actor: principal.id, action: 'provider.removed', subject });
  });
}

/** Whoever runs the server may take an issuer back: then it lets nobody in, also where an organization has it. */
export const isAllowedIssuer = (issuer: string, issuers: readonly string[]): boolean =>
  issuers.includes(issuer) || issuers.includes('*');

function check({ name, issuer, algorithms }: NewProvider, issuers: readonly string[]): void {
  const invalid = (pointer: string, message: string) =>
    new LicetError('invalid', 'PROVIDER_INVALID', message, { pointer });
  if (!SLUG.test(name)) throw invalid('/name', 'The name may hold lower-case letters, digits and inner hyphens.');
  if (!URL.canParse(issuer) || new URL(issuer).protocol !== 'https:' || /[?#]/.test(issuer)) {
    throw invalid('/issuer', 'The issuer must be an https address without query or fragment.');
  }
  if (!isAllowedIssuer(issuer, issuers)) {
    throw invalid('/issuer', 'This issuer is not in access.issuers of the configuration; have it added there.');
  }
  const known: readonly string[] = ID_TOKEN_ALGORITHMS;
  if (algorithms.length === 0 || algorithms.some((algorithm) => !known.includes(algorithm))) {
    throw invalid('/algorithms', `Name one or more of ${known.join(', ')}.`);
  }
}
