import { LicetError } from '../errors.ts';
import type { Principal, Role } from '../model/principal.ts';
import type { Transaction } from '../ports/transactions.ts';
import { isAction, POWERFUL } from './actions.ts';
import { type Guarded, withApproval } from './approvals.ts';
import { notAuthenticated } from './authenticate.ts';
import { authorize, boundsOf, notFound } from './authorize.ts';
import { type ApiToken, responsibleFor } from './model.ts';
import type { AccessDeps } from './ports.ts';
import { after, changed, newEntity, organizationOf, record } from './record.ts';
import { hashSecret, newSecret, recognition } from './secrets.ts';

const DAY_SECONDS = 24 * 60 * 60;
const MOST_DAYS = 366;
/** Long enough to set everything up; whoever goes on with it makes a token of their own. */
const FIRST_OWNER_DAYS = 30;
const PAGE = 200;

export type NewToken = {
  readonly name: string;
  readonly roles: readonly Role[];
  readonly enterprise?: string | undefined;
  readonly actions?: readonly string[] | undefined;
  readonly days: number;
};

/** The secret is in no other place: it is shown this once. */
export type MadeToken = { readonly token: ApiToken; readonly secret: string };

/**
 * A token is never more than who makes it: not in actions, not in enterprise, not in time where that is a token; owner and
 * admin roles need a right more. Nor does it become more: it is refused while its maker may do less (see `byToken`).
 */
export async function createToken(
  deps: AccessDeps,
  tx: Transaction,
  principal: Principal,
  wanted: NewToken,
): Promise<Guarded<MadeToken>> {
  const bounds = boundsOf(principal, 'token.create');
  const input = narrowed(principal, wanted, bounds.enterprise);
  const made = { by: principal.id, for: responsibleFor(principal), parent: await parentOf(deps, tx, principal) };
  const make = () => insertToken(deps, tx, input, principal.organization, made);
  if (!input.roles.some((role) => POWERFUL.includes(role))) return { outcome: 'done', result: await make() };
  return withApproval(deps, tx, principal, { action: 'person.empower', subject: 'token:new', payload: input }, make);
}

/** Locked, so that it ends before or after this, and then with what it has made. */
async function parentOf(deps: AccessDeps, tx: Transaction, { kind, id }: Principal): Promise<ApiToken | undefined> {
  if (kind !== 'token') return undefined;
  const parent = await deps.stores.tokens.lock(tx, id.slice('token:'.length));
  // Another process remembers for a moment who it was.
  if (parent?.revokedAt !== undefined) throw notAuthenticated();
  return parent;
}

function narrowed(principal: Principal, wanted: NewToken, enterprise: string | undefined): NewToken {
  const { actions, days, roles } = wanted;
  if (roles.length === 0) throw invalid('/roles', 'A token needs at least one role.');
  if (roles.includes('site')) throw invalid('/roles', 'A site shows its license; no token can stand for it.');
  if (!Number.isInteger(days) || days < 1 || days > MOST_DAYS) {
    throw invalid('/days', `A token lives for 1 to ${MOST_DAYS} whole days.`);
  }
  const unknown = actions?.find((action) => !isAction(action));
  if (unknown !== undefined) throw invalid('/actions', 'An action is not known; docs/authorization.md lists them all.');
  const beyond = principal.actions && (actions ?? ['*']).some((action) => !principal.actions?.includes(action));
  if (beyond === true) throw invalid('/actions', 'A token cannot make one that may do more than itself.');
  if (enterprise !== undefined && wanted.enterprise !== enterprise) throw notFound();
  if (roles.includes('enterprise-admin') && wanted.enterprise === undefined) {
    throw invalid('/enterprise', 'An enterprise-admin needs the enterprise that it is for.');
  }
  return wanted;
}

const invalid = (pointer: string, message: string): LicetError =>
  new LicetError('invalid', 'TOKEN_INVALID', message, { pointer });

async function insertToken(
  deps: AccessDeps,
  tx: Transaction,
  { name, roles, enterprise, actions, days }: NewToken,
  organization: string,
  made: { readonly by: string; readonly for: string; readonly parent?: ApiToken | undefined },
): Promise<MadeToken> {
  const secret = newSecret('api', deps.random);
  const wanted = after(deps.clock.now(), days * DAY_SECONDS);
  const { parent } = made;
  const token: ApiToken = {
    ...newEntity(deps, organization),
    name,
    roles,
    enterprise,
    actions,
    prefix: recognition(secret),
    hash: hashSecret(secret),
    madeBy: made.for,
    parent: parent?.id,
    expiresAt: parent !== undefined && parent.expiresAt < wanted ? parent.expiresAt : wanted,
    revokedAt: undefined,
    lastUsedAt: undefined,
  };
  await deps.stores.tokens.insert(tx, token);
  const details = { roles, days, ...(enterprise !== undefined && { enterprise }), ...(actions && { actions }) };
  await record(tx, deps, organization, {
    actor: made.by,
    action: 'token.created',
    subject: `token:${token.id}`,
    details,
  });
  return { token, secret };
}

/** With all that it has made: whoever else had it may have made some. Revoking what is revoked changes nothing more. */
export async function revokeToken(
  deps: AccessDeps,
  tx: Transaction,
  principal: Principal,
  id: string,
): Promise<ApiToken> {
  const token = await deps.stores.tokens.lock(tx, id);
  authorize(principal, 'token.revoke', token);
  await revokeMade(deps, tx, principal, id);
  return token.revokedAt === undefined ? end(deps, tx, principal, token) : token;
}

async function revokeMade(deps: AccessDeps, tx: Transaction, principal: Principal, parent: string): Promise<void> {
  const query = { where: { parent }, limit: PAGE };
  for (let page = await deps.stores.tokens.list(tx, query); ;) {
    for (const { id } of page.items) {
      const token = await deps.stores.tokens.lock(tx, id);
      if (token === undefined) continue;
      // Also below one that an earlier version revoked alone.
      await revokeMade(deps, tx, principal, id);
      if (token.revokedAt === undefined) await end(deps, tx, principal, token);
    }
    if (page.next === undefined) return;
    page = await deps.stores.tokens.list(tx, { ...query, after: page.next });
  }
}

async function end(deps: AccessDeps, tx: Transaction, principal: Principal, token: ApiToken): Promise<ApiToken> {
  const { id, organization } = token;
  const revoked = changed(deps, token, { revokedAt: deps.clock.now() });
  await deps.stores.tokens.replace(tx, revoked);
  await record(tx, deps, organization, { actor: principal.id, action: 'token.revoked', subject: `token:${id}` });
  return revoked;
}

/**
 * Whoever runs the server gets in by this: an owner's token, made while nobody owns the organization, which is before
 * anybody was invited, and again if the time was over before that. Undefined: there is somebody already.
 */
export async function createFirstOwner(
  deps: AccessDeps,
  tx: Transaction,
  organization: string,
): Promise<MadeToken | undefined> {
  // Servers that start at the same time must see each other.
  const known = await organizationOf(tx, deps, organization);
  if (known !== undefined) await deps.organizations.lock(tx, known.id);
  if (await deps.stores.credentials.isOwned(tx, deps.clock.now())) return undefined;
  const input: NewToken = { name: 'first owner', roles: ['owner'], days: FIRST_OWNER_DAYS };
  return insertToken(deps, tx, input, organization, { by: 'system:bootstrap', for: 'system:bootstrap' });
}
