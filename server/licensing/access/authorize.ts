import { LicetError } from '../errors.ts';
import { type Principal, ROLES } from '../model/principal.ts';
import { type Action, ACTIONS, isAction, isOfOrganization, type Reach, type Row } from './actions.ts';

/** Where the thing belongs that is acted upon. What is above all enterprises names none. */
export type Resource = {
  readonly organization: string;
  readonly enterprise?: string | undefined;
  readonly site?: string | undefined;
};

/** What a list must be limited to: nothing, one enterprise, or one site. */
export type Bounds = { readonly enterprise?: string; readonly site?: string };

const WIDTH: Readonly<Record<Reach, number>> = { none: 0, site: 1, enterprise: 2, all: 3 };

const ENTERPRISE_ADMIN = ROLES.indexOf('enterprise-admin');

/** The one sentence for what is missing and for what is somebody else's, so that nobody learns which of the two it is. */
export function notFound(): LicetError {
  return new LicetError('not-found', 'NOT_FOUND', 'There is nothing under this id that you may see; check the id.');
}

/** An API token has no session, no password and no second factor. */
export function personOnly(): LicetError {
  const message = 'Only who has signed in as a person has an account to do this to; an API token is revoked instead.';
  return new LicetError('forbidden', 'PERSON_ONLY', message);
}

function forbidden(action: Action, principal: Principal): LicetError {
  return new LicetError('forbidden', 'NOT_ALLOWED', whyNot(action, principal));
}

function whyNot(action: Action, { kind, actions, enterprise }: Principal): string {
  if (kind === 'site' && actions !== undefined) {
    return 'This license was renewed already or has expired, so it is good for its renewal alone; renew it, or use the newer one.';
  }
  if (enterprise !== undefined && isOfOrganization(action)) {
    return `The right "${action}" is for who may see the whole organization, and you see one enterprise of it; ask your vendor.`;
  }
  return `This needs the right "${action}", which you do not have; docs/authorization.md says which roles do.`;
}

/** How far the principal reaches with the action, by the widest of its roles. */
export function reachOf(principal: Principal, action: Action): Reach {
  if (!isAction(action)) return 'none';
  if (principal.actions !== undefined && !principal.actions.includes(action)) return 'none';
  const row: Row = ACTIONS[action].may;
  const beyond = row[ENTERPRISE_ADMIN] === 'all' ? 'all' : isOfOrganization(action) ? 'none' : 'own';
  const reaches = ROLES.map((role, at): Reach =>
    principal.roles.includes(role) ? reachWithin(principal, row[at], beyond) : 'none',
  );
  return reaches.reduce((widest, reach) => (WIDTH[reach] > WIDTH[widest] ? reach : widest), 'none');
}

/**
 * Who reaches its own enterprise and has none reaches nothing: never everything. And who is of one enterprise reaches no
 * further with any role (`beyond`), except to what is common to all: catalogs, and oneself. What belongs to the
 * organization as a whole it does not reach at all.
 */
function reachWithin({ enterprise, site }: Principal, reach: Reach | undefined, beyond: 'all' | 'own' | 'none'): Reach {
  switch (reach) {
    case 'all':
      if (beyond === 'all' || (enterprise === undefined && site === undefined)) return 'all';
      if (beyond === 'none') return 'none';
      return site === undefined ? 'enterprise' : 'site';
    case 'enterprise':
      return enterprise === undefined ? 'none' : 'enterprise';
    case 'site':
      return enterprise === undefined || site === undefined ? 'none' : 'site';
    default:
      return 'none';
  }
}

/** Whether the first may do anything that the other may not, or further than the other. */
export function exceeds(one: Principal, other: Principal): boolean {
  if (other.enterprise !== undefined && one.enterprise !== other.enterprise) return true;
  const actions = Object.keys(ACTIONS) as Action[];
  return actions.some((action) => WIDTH[reachOf(one, action)] > WIDTH[reachOf(other, action)]);
}

/** What lists and searches must be limited to. Rejects who may not do it at all. */
export function boundsOf(principal: Principal, action: Action): Bounds {
  const reach = reachOf(principal, action);
  const { enterprise, site } = principal;
  if (reach === 'all') return {};
  if (reach === 'enterprise' && enterprise !== undefined) return { enterprise };
  if (reach === 'site' && enterprise !== undefined && site !== undefined) return { enterprise, site };
  throw forbidden(action, principal);
}

/**
 * Returns when the principal may do `action` to `resource`; `undefined` is a resource that was not found. Who may never
 * do it hears so; who may, but not here, hears the same as for what does not exist.
 */
export function authorize<R extends Resource>(
  principal: Principal,
  action: Action,
  resource: R | undefined,
): asserts resource is R {
  const bounds = boundsOf(principal, action);
  if (resource === undefined || resource.organization !== principal.organization) throw notFound();
  if (bounds.enterprise !== undefined && resource.enterprise !== bounds.enterprise) throw notFound();
  if (bounds.site !== undefined && resource.site !== bounds.site) throw notFound();
}
