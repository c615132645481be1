import type { Collection } from '../ports/collection.ts';
import type { AuditLog } from '../ports/audit-log.ts';
import type { Clock } from '../ports/clock.ts';
import type { Organization } from '../model/organization.ts';
import type { Outbox } from '../ports/outbox.ts';
import type { Random } from '../ports/random.ts';
import type { Transaction, Transactions } from '../ports/transactions.ts';
import type { ApiToken, Approval, PendingSignIn, Person, Session, SignInProvider } from './model.ts';
import type { Rate } from './rate.ts';

export type SessionTokens = 'access' | 'refresh';

/**
 * What is known of a secret by its digest. Before it is known who asks, no organization is known either: these look in
 * all of them, so the transaction is one of the platform.
 */
export interface Credentials {
  /** With the person who answers for it; undefined where that is no person: the token of the first owner. */
  findToken(tx: Transaction, hash: string): Promise<{ token: ApiToken; maker: Person | undefined } | undefined>;
  findSession(
    tx: Transaction,
    kind: SessionTokens,
    hash: string,
  ): Promise<{ session: Session; person: Person } | undefined>;
  /**
   * Whether somebody owns the organization of the transaction and can get in: a person, one who is invited, or a token.
   * Nobody does who is limited to an enterprise.
   */
  isOwned(tx: Transaction, at: Date): Promise<boolean>;
  findInvited(tx: Transaction, hash: string): Promise<Person | undefined>;
  /** The session that this refresh token belonged to before it was used. */
  findSpent(tx: Transaction, hash: string): Promise<{ organization: string; session: string } | undefined>;
  /** Remembers a used refresh token for as long as its session is kept. */
  spend(tx: Transaction, session: Session): Promise<void>;
  /** Revokes the sessions of a person that are not, except one. Returns how many. */
  revokeSessions(tx: Transaction, person: string, at: Date, except?: string): Promise<number>;
  /** Sets when tokens were last used, never backwards. */
  touch(tx: Transaction, uses: readonly { readonly id: string; readonly at: Date }[]): Promise<void>;
  /** Removes up to `limit` sessions that ended before `before`. Returns how many. */
  prune(tx: Transaction, before: Date, limit: number): Promise<number>;
}

/** In transactions of the platform: whoever tries names and addresses does so across organizations. */
export interface Throttles {
  /** Seconds to wait; 0: the try is counted and may be made. Atomic over all processes. */
  take(tx: Transaction, key: string, rate: Rate, at: Date): Promise<number>;
  clear(tx: Transaction, key: string): Promise<void>;
  /** For `remembers`, until then. No key is for both. */
  remember(tx: Transaction, key: string, until: Date): Promise<void>;
  remembers(tx: Transaction, key: string, at: Date): Promise<boolean>;
  prune(tx: Transaction, at: Date, limit: number): Promise<number>;
}

export interface PendingSignIns {
  insert(tx: Transaction, pending: PendingSignIn): Promise<void>;
  /** Found once: it is gone after that. In a transaction of the platform. */
  take(tx: Transaction, state: string): Promise<PendingSignIn | undefined>;
  prune(tx: Transaction, at: Date, limit: number): Promise<number>;
}

export interface RequestQuotas {
  /** Adds to what the enterprise has used in the month (`2026-11`) and returns the sum over all processes. */
  add(tx: Transaction, enterprise: string, month: string, requests: number): Promise<number>;
}

export type AccessStores = {
  readonly people: Collection<Person>;
  readonly tokens: Collection<ApiToken>;
  readonly sessions: Collection<Session>;
  readonly providers: Collection<SignInProvider>;
  /** With the sign-ins that are on their way to it. */
  readonly removeProvider: (tx: Transaction, id: string) => Promise<void>;
  /** With what is on its way to it. */
  readonly removeMailRecipient: (tx: Transaction, address: string) => Promise<void>;
  readonly approvals: Collection<Approval>;
  readonly credentials: Credentials;
  readonly throttles: Throttles;
  readonly signIns: PendingSignIns;
  readonly quotas: RequestQuotas;
};

/** What every use case of this folder is made with. */
export type AccessDeps = {
  readonly transactions: Transactions;
  readonly stores: AccessStores;
  readonly organizations: Collection<Organization>;
  readonly auditLog: AuditLog;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly random: Random;
  /** Mails an invitation, in the same transaction. Absent: no mail is sent, and it has to be handed over. */
  readonly sendInvitation?: ((tx: Transaction, person: Person, invitation: string) => Promise<void>) | undefined;
};
