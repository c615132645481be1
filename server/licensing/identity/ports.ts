import type { Collection, ListQuery, Page } from '../ports/collection.ts';
import type { Transaction } from '../ports/transactions.ts';
import type { License } from '../model/license.ts';
import type { Incident } from './renewal-window.ts';
import type { IdentityClaims, TrustRule } from './trust-rule.ts';

export type Expected = {
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly keys: string | undefined;
  /** A list that holds one audience and nothing else is taken for that audience. */
  readonly mayList: boolean;
};

/** A token whose signature, issuer, audience and times are as they should be. */
export type VerifiedToken = {
  readonly claims: IdentityClaims;
  /** `jti`: the name of the token. */
  readonly id: string;
  readonly expiresAt: Date;
};

export interface IdentityTokens {
  /** Whom the token says to be from, unproven: to find the rules by. Rejects what cannot be a token. */
  issuerOf(token: string): string;
  /** Rejects as forbidden (IDENTITY_…) with what is wrong, or as unavailable when the issuer's keys cannot be had. */
  verify(token: string, expected: Expected): Promise<VerifiedToken>;
}

/** One token of one issuer, shown to one organization. */
export type UsedToken = {
  readonly organization: string;
  readonly issuer: string;
  readonly id: string;
  readonly expiresAt: Date;
};

export interface UsedIdentities {
  /**
   * Notes that the token is used by this request. False: it was used by another. Committed, it holds; a repetition of the
   * same request is true again.
   */
  use(tx: Transaction, token: UsedToken, request: Uint8Array): Promise<boolean>;
  /** Nothing came of the request: another may use the token. */
  release(tx: Transaction, token: UsedToken, request: Uint8Array): Promise<void>;
  /** Forgets up to `limit` tokens that have expired before `at`. Returns how many. */
  prune(tx: Transaction, at: Date, limit: number): Promise<number>;
}

export type IdentityStores = {
  readonly rules: Collection<TrustRule> & {
    /** Those in force of an issuer, oldest first. */
    ofIssuer(tx: Transaction, issuer: string): Promise<readonly TrustRule[]>;
  };
  readonly used: UsedIdentities;
};

/** Which licenses an incident is about: those for which all that is said here holds. */
export type IncidentSet = {
  readonly enterprise: string | undefined;
  readonly contract: string | undefined;
  /** The code of a product that their contract has. */
  readonly product: string | undefined;
  readonly issuerKey: string | undefined;
  readonly serials: readonly string[] | undefined;
  readonly issuedBefore: Date;
};

/** As it is kept, with who declared it and who took it back. */
export type DeclaredIncident = Incident &
  IncidentSet & {
    readonly id: string;
    readonly createdBy: string;
    readonly liftedAt: Date | undefined;
    readonly liftedBy: string | undefined;
  };

export interface Incidents {
  add(
    tx: Transaction,
    incident: Omit<DeclaredIncident, 'liftedAt' | 'liftedBy'> & { readonly organization: string },
  ): Promise<void>;
  get(tx: Transaction, id: string): Promise<DeclaredIncident | undefined>;
  list(tx: Transaction, query: ListQuery<never>): Promise<Page<DeclaredIncident>>;
  /** From now on it moves nothing. False: it was lifted before, or is not there. */
  lift(tx: Transaction, id: string, by: string, at: Date): Promise<boolean>;
}

/** What decides when a license is to be renewed. */
export type RenewalLook = {
  readonly license: Pick<License, 'site' | 'notBefore' | 'notAfter' | 'reissuedAs'>;
  /** The latest that has begun, was not lifted and concerns the license. */
  readonly incident: Incident | undefined;
};

export interface RenewalLooks {
  /** By serial alone, in all organizations. Those that are none, or of more than one license, are not in the answer. */
  find(tx: Transaction, serials: readonly string[], at: Date): Promise<ReadonlyMap<string, RenewalLook>>;
}
