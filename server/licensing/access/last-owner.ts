import { LicetError } from '../errors.ts';
import type { Transaction } from '../ports/transactions.ts';
import type { Person } from './model.ts';
import type { AccessDeps } from './ports.ts';
import { organizationOf } from './record.ts';

const MOST_PEOPLE = 10_000;

/** Of the whole organization: who is limited to one enterprise owns nothing beyond it. */
export const isOwner = ({ status, roles, enterprise }: Pick<Person, 'status' | 'roles' | 'enterprise'>): boolean =>
  status === 'active' && roles.includes('owner') && enterprise === undefined;

/**
 * Rejects with LAST_OWNER when too few who can sign in would be left to own the organization without this person: where it
 * asks for a second person, one alone could change nothing any more.
 */
export async function keepAnOwner(deps: AccessDeps, tx: Transaction, person: Person): Promise<void> {
  if (!isOwner(person)) return;
  const { needed, owners } = await ownersOf(deps, tx, person.organization);
  if (owners.filter(({ id }) => id !== person.id).length >= needed) return;
  const message =
    needed === 1
      ? 'This is the last owner of the organization; make another person an owner first.'
      : 'The organization asks for a second person, so it needs two owners; make another person an owner first.';
  throw new LicetError('conflict', 'LAST_OWNER', message);
}

/** Rejects with OWNERS_NEEDED while the first act that needs a second person, and the way back, would wait for ever. */
export async function assertSecondPersonPossible(
  deps: AccessDeps,
  tx: Transaction,
  organization: string,
): Promise<void> {
  const { owners } = await ownersOf(deps, tx, organization);
  if (owners.length >= 2) return;
  const message =
    'Nobody could approve: there must be two owners who can sign in, limited to no enterprise; invite them first.';
  throw new LicetError('conflict', 'OWNERS_NEEDED', message, { pointer: '/settings/secondPerson' });
}

async function ownersOf(
  deps: AccessDeps,
  tx: Transaction,
  slug: string,
): Promise<{ readonly needed: number; readonly owners: readonly Person[] }> {
  // Two owners who put each other out at the same moment must see each other, and what switches the second person on.
  const known = await organizationOf(tx, deps, slug);
  const organization = known && (await deps.organizations.lock(tx, known.id));
  const { items } = await deps.stores.people.list(tx, { where: { status: 'active' }, limit: MOST_PEOPLE });
  return { needed: organization?.settings.secondPerson === true ? 2 : 1, owners: items.filter(isOwner) };
}
