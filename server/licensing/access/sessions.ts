import { LicetError } from '../errors.ts';
import type { Principal } from '../model/principal.ts';
import type { Transaction } from '../ports/transactions.ts';
import { notFound, personOnly } from './authorize.ts';
import type { Person, Session } from './model.ts';
import type { AccessDeps } from './ports.ts';
import { after, announce, changed, newEntity, record } from './record.ts';
import { hashSecret, isSecret, newSecret, sameHash } from './secrets.ts';

export type SessionTimes = {
  /** How long an access token is good for. */
  readonly accessSeconds: number;
  /** How long a session may lie still. */
  readonly idleSeconds: number;
  /** How long it may last in all. */
  readonly totalSeconds: number;
};

export const SESSION_TIMES: SessionTimes = {
  accessSeconds: 10 * 60,
  idleSeconds: 24 * 60 * 60,
  totalSeconds: 14 * 24 * 60 * 60,
};

export type SessionTokens = {
  readonly session: string;
  readonly accessToken: string;
  readonly accessUntil: Date;
  readonly refreshToken: string;
  readonly refreshUntil: Date;
};

export type SessionDeps = AccessDeps & { readonly times: SessionTimes };

/** By what the person has shown, e.g. `['password', 'totp']`. */
export async function openSession(
  deps: SessionDeps,
  tx: Transaction,
  person: Person,
  by: readonly string[],
): Promise<SessionTokens> {
  const entity = newEntity(deps, person.organization);
  const endsAt = after(entity.createdAt, deps.times.totalSeconds);
  const { tokens, fields } = newTokens(deps, entity.id, endsAt);
  const session: Session = {
    ...entity,
    ...fields,
    person: person.id,
    endsAt,
    formerHash: undefined,
    formerUntil: undefined,
    revokedAt: undefined,
  };
  await deps.stores.sessions.insert(tx, session);
  const actor = `person:${person.id}`;
  const happening = { actor, action: 'session.opened', subject: `session:${session.id}`, details: { by } };
  await record(tx, deps, person.organization, happening);
  return tokens;
}

function newTokens({ clock, random, times }: SessionDeps, session: string, endsAt: Date) {
  const [accessToken, refreshToken] = [newSecret('session', random), newSecret('refresh', random)];
  const now = clock.now();
  const before = (date: Date): Date => new Date(Math.min(date.getTime(), endsAt.getTime()));
  const accessUntil = before(after(now, times.accessSeconds));
  const refreshUntil = before(after(now, times.idleSeconds));
  const tokens: SessionTokens = { session, accessToken, accessUntil, refreshToken, refreshUntil };
  const hashes = { accessHash: hashSecret(accessToken), refreshHash: hashSecret(refreshToken) };
  return { tokens, fields: { ...hashes, accessUntil, refreshUntil } };
}

/** Longer than a client waits for an answer and asks again. */
const REPEAT_SECONDS = 60;

/**
 * A refresh token is good for one use. One that comes again was copied, and nobody can tell whether thief or owner came
 * first: the whole session ends, for both (RFC 9700 §4.14.2). But for a minute, and until the next one is used, it is more
 * likely that the answer was lost: then other tokens are given, in whose place the lost ones are spent. So no thief gains
 * by that minute: of two who were answered one alone goes on, and the other's next refresh ends the session.
 */
export async function refreshSession(deps: SessionDeps, refreshToken: string): Promise<SessionTokens> {
  if (!isSecret('refresh', refreshToken)) throw refused();
  const hash = hashSecret(refreshToken);
  const { credentials } = deps.stores;
  const known = await deps.transactions.run('platform', async (tx) => {
    const found = await credentials.findSession(tx, 'refresh', hash);
    if (found) return { organization: found.session.organization, session: found.session.id };
    return credentials.findSpent(tx, hash);
  });
  if (known === undefined) throw refused();
  const { organization } = known;
  // What is revoked here must stay so: the refusal comes after the commit.
  const tokens = await deps.transactions.run({ organization }, (tx) => rotate(deps, tx, known.session, hash));
  if (tokens === undefined) throw refused();
  return tokens;
}

async function rotate(
  deps: SessionDeps,
  tx: Transaction,
  id: string,
  hash: string,
): Promise<SessionTokens | undefined> {
  const { sessions, people, credentials } = deps.stores;
  const session = await sessions.lock(tx, id);
  if (session === undefined || session.revokedAt !== undefined) return undefined;
  const isNewest = sameHash(session.refreshHash, hash);
  if (!isNewest && !isRepeated(deps, session, hash)) return endStolen(deps, tx, session);
  const person = await people.get(tx, session.person);
  const now = deps.clock.now().getTime();
  if (person?.status !== 'active' || now >= session.refreshUntil.getTime()) return undefined;
  const { tokens, fields } = newTokens(deps, id, session.endsAt);
  await credentials.spend(tx, session);
  const used = isNewest && { formerHash: hash, formerUntil: after(deps.clock.now(), REPEAT_SECONDS) };
  await sessions.replace(tx, changed(deps, session, { ...fields, ...used }));
  return tokens;
}

const isRepeated = ({ clock }: SessionDeps, { formerHash, formerUntil }: Session, hash: string): boolean =>
  formerHash !== undefined &&
  sameHash(formerHash, hash) &&
  formerUntil !== undefined &&
  clock.now().getTime() < formerUntil.getTime();

async function endStolen(deps: SessionDeps, tx: Transaction, session: Session): Promise<undefined> {
  await deps.stores.sessions.replace(tx, changed(deps, session, { revokedAt: deps.clock.now() }));
  const subject = `session:${session.id}`;
  const details = { person: session.person };
  await announce(tx, deps, session.organization, { actor: 'anonymous', action: 'session.stolen', subject, details });
}

const refused = (): LicetError =>
  new LicetError('unauthenticated', 'REFRESH_REFUSED', 'This refresh token is not good any more; sign in again.');

/** Of a person's own; `everywhere` ends all. */
export async function signOut(
  deps: AccessDeps,
  tx: Transaction,
  principal: Principal,
  which: { readonly session: string } | 'everywhere',
): Promise<void> {
  const person = principal.id.slice('person:'.length);
  if (principal.kind !== 'person') throw personOnly();
  if (which === 'everywhere') {
    const count = await deps.stores.credentials.revokeSessions(tx, person, deps.clock.now());
    const happening = { actor: principal.id, action: 'session.all-closed', subject: principal.id, details: { count } };
    return record(tx, deps, principal.organization, happening);
  }
  const session = await deps.stores.sessions.lock(tx, which.session);
  if (session?.person !== person) throw notFound();
  if (session.revokedAt !== undefined) return undefined;
  await deps.stores.sessions.replace(tx, changed(deps, session, { revokedAt: deps.clock.now() }));
  const happening = { actor: principal.id, action: 'session.closed', subject: `session:${session.id}` };
  return record(tx, deps, principal.organization, happening);
}
