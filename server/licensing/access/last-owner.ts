import { LicetError } from '../errors.ts';
import type { Transaction } from '../ports/transactions.ts';
import type { Person } from './model.ts';
import type { AccessDeps } from './ports.ts';
import { organizationOf } from './record.ts';

const MOST_PEOPLE = 10_000;

/** Rejects with LAST_OWNER when nobody who can sign in would be left to own the organization without this person. */
export async function keepAnOwner(deps: AccessDeps, tx: Transaction, person: Person): Promise<void> {
  if (person.status !== 'active' || !person.roles.includes('owner')) return;
  // Two owners who put each other out at the same moment must see each other.
  const organization = await organizationOf(tx, deps, person.organization);
  if (organization !== undefined) await deps.organizations.lock(tx, organization.id);
  const { items } = await deps.stores.people.list(tx, { where: { status: 'active' }, limit: MOST_PEOPLE });
  if (items.some(({ id, roles }) => id !== person.id && roles.includes('owner'))) return;
  const message = 'This is the last owner of the organization; make another person an owner first.';
  throw new LicetError('conflict', 'LAST_OWNER', message);
}
