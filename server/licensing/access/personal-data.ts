import type { Principal } from '../model/principal.ts';
import type { Transaction } from '../ports/transactions.ts';
import { authorize, notFound } from './authorize.ts';
import { POWERFUL } from './actions.ts';
import { type Guarded, withApproval } from './approvals.ts';
import { keepAnOwner } from './last-owner.ts';
import type { Person } from './model.ts';
import { tell } from './people.ts';
import type { AccessDeps } from './ports.ts';
import { changed } from './record.ts';

/** All that is kept about a person, GDPR article 15: digests of secrets are named and not shown. */
export type PersonExport = {
  readonly id: string;
  readonly organization: string;
  readonly email: string | undefined;
  readonly name: string | undefined;
  readonly status: Person['status'];
  readonly roles: readonly string[];
  readonly enterprise: string | undefined;
  readonly externalIdentity: { readonly issuer: string; readonly subject: string } | undefined;
  readonly hasPassword: boolean;
  readonly hasSecondFactor: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly sessions: readonly { readonly id: string; readonly from: Date; readonly until: Date }[];
  /** The name under which the audit log speaks of this person. */
  readonly pseudonym: string;
};

const MOST_SESSIONS = 1000;

export async function exportPerson(
  deps: AccessDeps,
  tx: Transaction,
  principal: Principal,
  id: string,
): Promise<PersonExport> {
  const person = await deps.stores.people.get(tx, id);
  authorize(principal, 'person.export', person);
  const sessions = await deps.stores.sessions.list(tx, { where: { person: id }, limit: MOST_SESSIONS });
  await tell(deps, tx, principal, person, 'person.exported');
  const { organization, email, name, status, roles, enterprise, createdAt, updatedAt, issuer, subject } = person;
  const externalIdentity = issuer === undefined || subject === undefined ? undefined : { issuer, subject };
  const own = { id, organization, email, name, status, roles, enterprise, externalIdentity, createdAt, updatedAt };
  return {
    ...own,
    hasPassword: person.password !== undefined,
    hasSecondFactor: person.totp?.isConfirmed === true,
    sessions: sessions.items.map((session) => ({ id: session.id, from: session.createdAt, until: session.endsAt })),
    pseudonym: `person:${id}`,
  };
}

/** Nothing is left but the pseudonym, so that the audit log still verifies and says that it was one and the same. */
export async function erasePerson(
  deps: AccessDeps,
  tx: Transaction,
  principal: Principal,
  id: string,
): Promise<Guarded<void>> {
  const person = await deps.stores.people.lock(tx, id);
  authorize(principal, 'person.erase', person);
  if (person.status === 'erased') throw notFound();
  const erase = async (): Promise<void> => {
    await keepAnOwner(deps, tx, person);
    const nobody = { email: undefined, name: undefined, password: undefined, totp: undefined, recoveryCodes: [] };
    const unknown = { invitation: undefined, invitedUntil: undefined, issuer: undefined, subject: undefined };
    await deps.stores.people.replace(tx, changed(deps, person, { ...nobody, ...unknown, status: 'erased', roles: [] }));
    await deps.stores.credentials.revokeSessions(tx, id, deps.clock.now());
    if (person.email !== undefined) await deps.stores.removeMailRecipient(tx, person.email);
    await tell(deps, tx, principal, person, 'person.erased');
  };
  if (!person.roles.some((role) => POWERFUL.includes(role))) return { outcome: 'done', result: await erase() };
  const act = { action: 'person.empower', subject: `person:${id}`, payload: { erase: id } } as const;
  return withApproval(deps, tx, principal, act, erase);
}
