import type { NewPerson } from '../../../licensing/access/people.ts';
import { acceptInvitation, invitePerson } from '../../../licensing/access/people.ts';
import { createPasswords } from '../../../licensing/access/passwords.ts';
import { createSealer } from '../../../licensing/access/seal.ts';
import { SESSION_TIMES } from '../../../licensing/access/sessions.ts';
import type { SignInDeps } from '../../../licensing/access/sign-in.ts';
import { newId } from '../../../licensing/model/id.ts';
import type { Principal, Role } from '../../../licensing/model/principal.ts';
import type { Transaction } from '../../../licensing/ports/transactions.ts';
import { ManualClock } from '../../../licensing/test/manual-clock.ts';
import { seededRandom } from '../../../licensing/test/seeded-random.ts';
import { auditLog } from '../../audit-log.ts';
import { collections } from '../../licensing/collections.ts';
import { outbox } from '../../outbox.ts';
import type { TestDatabase } from '../../test/test-database.ts';
import { accessStores } from '../index.ts';

/** As cheap as argon2 allows: what is tested is not its price. */
const CHEAP = { memoryKib: 8, passes: 1 };
export const PASSWORD = 'seven llamas sing at dawn';

export type TestAccess = SignInDeps & { readonly clock: ManualClock };

let seed = 0;

export function accessDeps(database: TestDatabase, more: Partial<SignInDeps> = {}): TestAccess {
  const random = seededRandom(`access ${++seed} ${process.pid}`);
  return {
    transactions: database,
    stores: accessStores,
    organizations: collections.organizations,
    auditLog,
    outbox,
    random,
    passwords: createPasswords(random, CHEAP),
    sealer: createSealer(random.bytes(32), random),
    times: SESSION_TIMES,
    ...more,
    clock: new ManualClock('2026-11-21T08:00:00.000Z'),
  };
}

export const inside = <T>(deps: SignInDeps, organization: string, work: (tx: Transaction) => Promise<T>): Promise<T> =>
  deps.transactions.run({ organization }, work);

export async function addOrganization(deps: SignInDeps, slug: string, secondPerson = false): Promise<Principal> {
  const at = deps.clock.now();
  const settings = { secondPerson, onFork: 'alarm' } as const;
  const common = { id: newId(deps.clock, deps.random), organization: slug, createdAt: at, updatedAt: at, version: 1 };
  const organization = { ...common, slug, name: slug, status: 'active', settings } as const;
  await inside(deps, slug, (tx) => deps.organizations.insert(tx, organization));
  return owner(slug);
}

/** Whoever stands above the tests: a person that no table knows. */
export const owner = (organization: string): Principal => ({
  kind: 'person',
  id: 'person:00000000-0000-7000-8000-000000000000',
  organization,
  roles: ['owner'],
  enterprise: undefined,
  site: undefined,
});

/** Somebody who has accepted the invitation. In an organization without a second person. */
export async function addPerson(
  deps: SignInDeps,
  organization: string,
  email: string,
  roles: readonly Role[] = ['operator'],
  more: Partial<NewPerson> = {},
): Promise<Principal> {
  const input = { email, name: 'Somebody', roles, ...more };
  const invited = await inside(deps, organization, (tx) => invitePerson(deps, tx, owner(organization), input));
  if (invited.outcome !== 'done') throw new Error('The invitation waits for a second person.');
  const { id } = await acceptInvitation(deps, invited.result.invitation, PASSWORD);
  return { ...owner(organization), id: `person:${id}`, roles, enterprise: more.enterprise };
}

export const hasCode = (code: string) => (error: unknown) => (error as { code?: string }).code === code;
