import { assertSeen } from '../entities.ts';
import { LicetError } from '../errors.ts';
import type { Principal, Role } from '../model/principal.ts';
import type { Transaction } from '../ports/transactions.ts';
import { POWERFUL } from './actions.ts';
import { type Guarded, withApproval } from './approvals.ts';
import { authorize, boundsOf, notFound } from './authorize.ts';
import { isOwner, keepAnOwner } from './last-owner.ts';
import type { Person } from './model.ts';
import type { Passwords } from './passwords.ts';
import type { AccessDeps } from './ports.ts';
import { after, changed, newEntity, record } from './record.ts';
import { lockSelf } from './second-factor.ts';
import { hashSecret, isSecret, newSecret } from './secrets.ts';
import { normalEmail } from './sign-in.ts';
import { asTry } from './tries.ts';

const INVITED_SECONDS = 7 * 24 * 60 * 60;

export type PeopleDeps = AccessDeps & { readonly passwords: Passwords };

export type NewPerson = {
  readonly email: string;
  readonly name: string;
  readonly roles: readonly Role[];
  readonly enterprise?: string | undefined;
};

/** The invitation is shown this once, to be handed over; it lets its holder set a password. */
export type Invited = { readonly person: Person; readonly invitation: string };

export async function invitePerson(
  deps: AccessDeps,
  tx: Transaction,
  principal: Principal,
  input: NewPerson,
): Promise<Guarded<Invited>> {
  const { enterprise } = boundsOf(principal, 'person.invite');
  if (enterprise !== undefined && input.enterprise !== enterprise) throw notFound();
  checkRoles(input.roles, input.enterprise);
  const invite = async (): Promise<Invited> => {
    const blank = blankPerson(deps, principal.organization);
    const { fields, invitation } = newInvitation(deps);
    const person: Person = {
      ...blank,
      ...input,
      enterprise: input.enterprise,
      email: normalEmail(input.email),
      ...fields,
    };
    await deps.stores.people.insert(tx, person);
    await tell(deps, tx, principal, person, 'person.invited', { roles: input.roles });
    await deps.sendInvitation?.(tx, person, invitation);
    return { person, invitation };
  };
  // Whom the organization does not know yet is a digest to the second person's request: it names nobody for ever.
  const payload = { roles: input.roles, email: hashSecret(normalEmail(input.email)) };
  return asPowerful(deps, tx, principal, 'person:new', input.roles, payload, invite);
}

/** For who has lost the password. Ends all sessions, and takes the second factor away, which may be lost as well. */
export async function inviteAgain(
  deps: AccessDeps,
  tx: Transaction,
  principal: Principal,
  id: string,
): Promise<Guarded<Invited>> {
  const person = await deps.stores.people.lock(tx, id);
  authorize(principal, 'person.invite', person);
  if (person.status === 'erased') throw notFound();
  // Whoever gets the invitation becomes this person.
  return asPowerful(deps, tx, principal, `person:${id}`, person.roles, { invite: id }, () =>
    readmit(deps, tx, principal, person),
  );
}

type Inviter = Pick<Principal, 'id' | 'organization'>;

async function readmit(
  deps: AccessDeps,
  tx: Transaction,
  by: Inviter,
  person: Person,
  details: Readonly<Record<string, unknown>> = {},
): Promise<Invited> {
  const { fields, invitation } = newInvitation(deps);
  const cleared = { password: undefined, totp: undefined, recoveryCodes: [], issuer: undefined, subject: undefined };
  const invited = changed(deps, person, { ...cleared, ...fields });
  await deps.stores.people.replace(tx, invited);
  await deps.stores.credentials.revokeSessions(tx, person.id, deps.clock.now());
  await tell(deps, tx, by, invited, 'person.invited', { again: true, ...details });
  await deps.sendInvitation?.(tx, invited, invitation);
  return { person: invited, invitation };
}

/**
 * Whoever runs the server lets an owner set a new password whom nobody else may let in: the only one, or one of two where
 * each such act needs both. Nobody becomes an owner by it.
 */
export async function recoverOwner(
  deps: AccessDeps,
  tx: Transaction,
  organization: string,
  email: string,
): Promise<Invited> {
  const { items } = await deps.stores.people.list(tx, { where: { email: normalEmail(email) }, limit: 1 });
  const person = items[0] && (await deps.stores.people.lock(tx, items[0].id));
  if (person === undefined || !isOwner({ ...person, status: person.status === 'invited' ? 'active' : person.status })) {
    const message = `No owner of "${organization}" has this address: correct it, or have an owner invite the person again.`;
    throw new LicetError('not-found', 'OWNER_NOT_FOUND', message);
  }
  return readmit(deps, tx, { organization, id: 'system:operator' }, person, { recovered: true });
}

/** Roles and whether the account works. Who is disabled, or becomes less, is signed out everywhere. */
export async function changePerson(
  deps: AccessDeps,
  tx: Transaction,
  principal: Principal,
  id: string,
  change: {
    readonly roles?: readonly Role[];
    /** `null`: the whole organization. */
    readonly enterprise?: string | null;
    readonly status?: 'active' | 'disabled';
    /** That was seen. */
    readonly version?: number;
  },
): Promise<Guarded<Person>> {
  const person = await deps.stores.people.lock(tx, id);
  authorize(principal, 'person.change', person);
  if (person.status === 'erased') throw notFound();
  assertSeen('person', person, change.version);
  const { roles = person.roles, status } = change;
  const enterprise = change.enterprise === undefined ? person.enterprise : (change.enterprise ?? undefined);
  const { enterprise: bound } = boundsOf(principal, 'person.change');
  if (bound !== undefined && enterprise !== bound) throw notFound();
  checkRoles(roles, enterprise);
  if (status !== undefined && person.status === 'invited') {
    throw new LicetError(
      'conflict',
      'PERSON_INVITED',
      'This person has not accepted the invitation yet; invite again.',
    );
  }
  // To raise somebody, and to wield power over those who have it.
  return asPowerful(deps, tx, principal, `person:${id}`, [...roles, ...person.roles], { id, ...change }, async () => {
    const next = changed(deps, person, { roles, enterprise, status: status ?? person.status });
    if (!isOwner(next)) await keepAnOwner(deps, tx, person);
    await deps.stores.people.replace(tx, next);
    await deps.stores.credentials.revokeSessions(tx, id, deps.clock.now());
    await tell(deps, tx, principal, next, 'person.changed', { roles, status: next.status });
    return next;
  });
}

function asPowerful<T>(
  deps: AccessDeps,
  tx: Transaction,
  principal: Principal,
  subject: string,
  roles: readonly Role[],
  payload: unknown,
  work: () => Promise<T>,
): Promise<Guarded<T>> {
  if (!roles.some((role) => POWERFUL.includes(role))) return work().then((result) => ({ outcome: 'done', result }));
  return withApproval(deps, tx, principal, { action: 'person.empower', subject, payload }, work);
}

function checkRoles(roles: readonly Role[], enterprise: string | undefined): void {
  const invalid = (pointer: string, message: string) =>
    new LicetError('invalid', 'PERSON_INVALID', message, { pointer });
  if (roles.length === 0) throw invalid('/roles', 'A person needs at least one role.');
  if (roles.includes('site') || roles.includes('application')) {
    throw invalid('/roles', 'The roles site and application are for machines; choose another.');
  }
  if (roles.includes('enterprise-admin') && enterprise === undefined) {
    throw invalid('/enterprise', 'An enterprise-admin needs the enterprise that it is for.');
  }
}

const refusedInvitation = (): LicetError =>
  new LicetError(
    'unauthenticated',
    'INVITATION_REFUSED',
    'This invitation is unknown, used or over; ask for a new one.',
  );

export async function acceptInvitation(deps: PeopleDeps, invitation: string, password: string): Promise<Person> {
  if (!isSecret('invite', invitation)) throw refusedInvitation();
  const hash = hashSecret(invitation);
  const seen = await deps.transactions.run('platform', (tx) => deps.stores.credentials.findInvited(tx, hash));
  if (seen === undefined) throw refusedInvitation();
  deps.passwords.check(password, aboutOf(seen));
  const encoded = await deps.passwords.hash(password);
  return deps.transactions.run({ organization: seen.organization }, async (tx) => {
    const person = await deps.stores.people.lock(tx, seen.id);
    const isOpen = person?.invitation === hash && (person.invitedUntil?.getTime() ?? 0) > deps.clock.now().getTime();
    if (person === undefined || !isOpen) throw refusedInvitation();
    const fields = { status: 'active', password: encoded, invitation: undefined, invitedUntil: undefined } as const;
    const active = changed(deps, person, fields);
    await deps.stores.people.replace(tx, active);
    const actor = `person:${person.id}`;
    await record(tx, deps, person.organization, { actor, action: 'person.accepted', subject: actor });
    return active;
  });
}

type NewPassword = { readonly old: string; readonly password: string };

/** Ends every other session of the person. */
export const changePassword = (
  deps: PeopleDeps,
  principal: Principal,
  session: string | undefined,
  change: NewPassword,
): Promise<void> => asTry(deps, principal, () => setPassword(deps, principal, session, change));

async function setPassword(
  deps: PeopleDeps,
  principal: Principal,
  session: string | undefined,
  { old, password }: NewPassword,
): Promise<void> {
  const scope = { organization: principal.organization };
  const seen = await deps.transactions.run(scope, (tx) => lockSelf(deps, tx, principal));
  if (!(await deps.passwords.matches(old, seen.password))) {
    throw new LicetError('invalid', 'PASSWORD_WRONG', 'The old password is wrong.', { pointer: '/old' });
  }
  deps.passwords.check(password, aboutOf(seen));
  const encoded = await deps.passwords.hash(password);
  await deps.transactions.run(scope, async (tx) => {
    const person = await lockSelf(deps, tx, principal);
    if (person.password !== seen.password) {
      throw new LicetError('stale', 'VERSION_STALE', 'The password was changed meanwhile; sign in again.');
    }
    await deps.stores.people.replace(tx, changed(deps, person, { password: encoded }));
    await deps.stores.credentials.revokeSessions(tx, person.id, deps.clock.now(), session);
    await tell(deps, tx, principal, person, 'password.changed');
  });
}

const aboutOf = ({ email = '', name = '', organization }: Person): string[] => [
  ...email.split('@'),
  ...name.split(/\s+/),
  organization,
];

function newInvitation({ random, clock }: AccessDeps) {
  const invitation = newSecret('invite', random);
  const invitedUntil = after(clock.now(), INVITED_SECONDS);
  return { invitation, fields: { status: 'invited', invitation: hashSecret(invitation), invitedUntil } as const };
}

function blankPerson(deps: AccessDeps, organization: string) {
  const nothing = { password: undefined, totp: undefined, recoveryCodes: [], issuer: undefined, subject: undefined };
  return { ...newEntity(deps, organization), ...nothing };
}

export function tell(
  deps: AccessDeps,
  tx: Transaction,
  { id: actor, organization }: Inviter,
  person: Person,
  action: string,
  details: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  return record(tx, deps, organization, { actor, action, subject: `person:${person.id}`, details });
}
