import { LicetError } from '../errors.ts';
import type { Principal } from '../model/principal.ts';
import { type ApiToken, personPrincipal, tokenPrincipal } from './model.ts';
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
  /** Forgets what is remembered of a token: it was revoked here. */
  forget(token: ApiToken): void;
  /** Writes down when tokens were last used. */
  flush(): Promise<void>;
}

/**
 * An API token is remembered this long, so that an application that asks a thousand times a second costs one look-up.
 * The price: revoked by another process, it works that much longer.
 */
const REMEMBERED_MS = 2000;
const MAX_REMEMBERED = 10_000;

/** A digest that no token has. */
const NOBODY = '0'.repeat(64);

type Remembered = Authenticated & { readonly id: string; readonly until: number };

export function createAuthenticator(deps: AccessDeps): Authenticator {
  const remembered = new Map<string, Remembered>();
  let uses = new Map<string, Date>();
  return {
    async bearer(token) {
      const hash = hashSecret(token);
      const now = deps.clock.now();
      let known = remembered.get(hash);
      if (known === undefined || now.getTime() >= known.until) {
        if (isSecret('session', token)) return bySession(deps, hash);
        if (!isSecret('api', token)) throw refused();
        known = await byToken(deps, hash, now);
        if (remembered.size >= MAX_REMEMBERED) remembered.clear();
        remembered.set(hash, known);
      }
      uses.set(known.id, now);
      return known;
    },
    forget: ({ hash }) => void remembered.delete(hash),
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
  const token = await transactions.run('platform', (tx) => stores.credentials.findToken(tx, hash), { readOnly: true });
  // Compared also when there is nothing to compare with: unknown and over take the same time.
  const isKnown = sameHash(token?.hash ?? NOBODY, hash);
  if (token === undefined || !isKnown) throw refused();
  if (token.revokedAt !== undefined || token.expiresAt.getTime() <= now.getTime()) throw refused();
  const until = Math.min(token.expiresAt.getTime(), now.getTime() + REMEMBERED_MS);
  return { principal: tokenPrincipal(token), session: undefined, id: token.id, until };
}

/** Never remembered: signing out holds at once, everywhere. */
async function bySession({ transactions, stores, clock }: AccessDeps, hash: string): Promise<Authenticated> {
  const { credentials } = stores;
  const found = await transactions.run('platform', (tx) => credentials.findSession(tx, 'access', hash), {
    readOnly: true,
  });
  if (found === undefined || !sameHash(found.session.accessHash, hash)) throw refused();
  const { session, person } = found;
  const isOver = session.revokedAt !== undefined || session.accessUntil.getTime() <= clock.now().getTime();
  if (isOver || person.status !== 'active') throw refused();
  return { principal: personPrincipal(person), session: session.id };
}

const refused = (): LicetError =>
  new LicetError(
    'unauthenticated',
    'NOT_AUTHENTICATED',
    'The token is missing, unknown, expired or revoked; get a new one.',
  );
