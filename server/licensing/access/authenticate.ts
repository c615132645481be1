import { LicetError } from '../errors.ts';
import type { Principal } from '../model/principal.ts';
import { exceeds } from './authorize.ts';
import { type Person, personPrincipal, tokenPrincipal } from './model.ts';
import type { AccessDeps } from './ports.ts';
import { hashSecret, isSecret, sameHash } from './secrets.ts';

export type Authenticated = {
  readonly principal: Principal;
  /** The session it came by, for a person. */
  readonly session: string | undefined;
};

export interface Authenticator {
  /** Who holds this bearer token. Rejects with NOT_AUTHENTICATED, the same for unknown, expired and revoked. */
  bearer(token: string): Promise<Authenticated>;
  /** Forgets what is remembered of tokens: here something has changed that may end one. */
  forget(): void;
  /** Writes down when tokens were last used. */
  flush(): Promise<void>;
}

/**
 * An API token is remembered this long, so that an application that asks a thousand times a second costs one look-up.
 * The price: revoked by another process, it works that much longer. What ends tokens in this one has them forgotten.
 */
const REMEMBERED_MS = 2000;
const MAX_REMEMBERED = 10_000;

/** What nobody can show: no secret has this digest. */
const NOBODY = { hash: '0'.repeat(64), revokedAt: undefined, expiresAt: new Date(0) };

type Remembered = Authenticated & { readonly id: string; readonly until: number };

export function createAuthenticator(deps: AccessDeps): Authenticator {
  let remembered = new Map<string, Remembered>();
  let uses = new Map<string, Date>();
  return {
    async bearer(token) {
      const hash = hashSecret(token);
      const now = deps.clock.now();
      let known = remembered.get(hash);
      // Remembered by a clock that was ahead, it would be for as long.
      const left = (known?.until ?? 0) - now.getTime();
      if (known === undefined || left <= 0 || left > REMEMBERED_MS) {
        if (isSecret('session', token)) return bySession(deps, hash);
        if (!isSecret('api', token)) throw notAuthenticated();
        // What was forgotten meanwhile is not remembered by a look that began before.
        const memory = remembered;
        known = await byToken(deps, hash, now);
        if (memory.size >= MAX_REMEMBERED) memory.clear();
        memory.set(hash, known);
      }
      uses.set(known.id, now);
      return known;
    },
    forget: () => void (remembered = new Map()),
    async flush() {
      const written = uses;
      uses = new Map();
      if (written.size === 0) return;
      const list = [...written].map(([id, at]) => ({ id, at }));
      await deps.transactions.run('platform', (tx) => deps.stores.credentials.touch(tx, list));
    },
  };
}

async function byToken({ transactions, stores }: AccessDeps, hash: string, now: Date): Promise<Remembered> {
  const found = await transactions.run('platform', (tx) => stores.credentials.findToken(tx, hash), { readOnly: true });
  // Asked also when there is nothing to ask of: unknown and over take the same time.
  const { hash: stored, revokedAt, expiresAt } = found?.token ?? NOBODY;
  const isKnown = sameHash(stored, hash);
  const isOver = revokedAt !== undefined || expiresAt.getTime() <= now.getTime();
  if (found === undefined || !isKnown || isOver) throw notAuthenticated();
  const { token, maker } = found;
  const principal = tokenPrincipal(token);
  // Not only when it is made: who leaves, or becomes less, would go on by the tokens made before.
  if (maker && (isGone(maker) || exceeds(principal, personPrincipal(maker)))) throw orphaned();
  const until = Math.min(token.expiresAt.getTime(), now.getTime() + REMEMBERED_MS);
  return { principal, session: undefined, id: token.id, until };
}

/** Who is invited again, for a new password, is still one of the organization. */
const isGone = ({ status }: Person): boolean => status === 'disabled' || status === 'erased';

/** Said to who holds the secret alone, so nobody learns from it that there is such a token. */
const orphaned = (): LicetError =>
  new LicetError(
    'unauthenticated',
    'NOT_AUTHENTICATED',
    'Whoever made this token has left, or may do less than it by now; have it made anew by somebody who may do all of it.',
  );

/** Never remembered: signing out holds at once, everywhere. */
async function bySession({ transactions, stores, clock }: AccessDeps, hash: string): Promise<Authenticated> {
  const { credentials } = stores;
  const found = await transactions.run('platform', (tx) => credentials.findSession(tx, 'access', hash), {
    readOnly: true,
  });
  if (found === undefined || !sameHash(found.session.accessHash, hash)) throw notAuthenticated();
  const { session, person } = found;
  const isOver = session.revokedAt !== undefined || session.accessUntil.getTime() <= clock.now().getTime();
  if (isOver || person.status !== 'active') throw notAuthenticated();
  return { principal: personPrincipal(person), session: session.id };
}

export const notAuthenticated = (): LicetError =>
  new LicetError(
    'unauthenticated',
    'NOT_AUTHENTICATED',
    'The token is missing, unknown, expired or revoked; get a new one.',
  );
