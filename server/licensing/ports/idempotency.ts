import type { Transaction } from './transactions.ts';

/** A request that a client may send again because it never saw the answer. */
export type KeyedRequest = {
  readonly organization: string;
  /** Who asks: keys of different principals never meet, so nobody reads another's answer by guessing a key. */
  readonly principal: string;
  /** The client's Idempotency-Key: 1 to 255 visible ASCII characters. */
  readonly key: string;
  readonly method: string;
  /** The path as requested, without the query's order being touched. */
  readonly route: string;
  readonly body: Uint8Array;
};

/** What was answered, as it goes over the wire. Only headers that belong to the answer, not to the connection. */
export type KeptAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

export type IdempotencyClaim = {
  readonly organization: string;
  readonly principal: string;
  readonly key: string;
  readonly token: string;
};

/** Same key and same request: same answer, done once. All times are the database's. */
export interface IdempotencyKeys {
  /**
   * Claims the key for this request, or returns what was answered to it before. Commit before working: that makes the
   * claim hold. Rejects with IDEMPOTENCY_KEY_REUSED when the key stands for another request, with IDEMPOTENCY_IN_FLIGHT
   * (try again soon) while somebody works on it, with IDEMPOTENCY_KEY_INVALID for an unusable key. A claim that is not
   * finished within `leaseSeconds` belongs to the next who asks.
   */
  begin(
    tx: Transaction,
    request: KeyedRequest,
    leaseSeconds: number,
  ): Promise<{ readonly claim: IdempotencyClaim } | { readonly answer: KeptAnswer }>;
  /**
   * Keeps the answer for `retentionHours` (≥ 24), in the transaction that has the effect. Rejects with
   * IDEMPOTENCY_CLAIM_LOST when the claim went to somebody else: the effect then rolls back, so it happens once.
   */
  finish(tx: Transaction, claim: IdempotencyClaim, answer: KeptAnswer, retentionHours: number): Promise<void>;
  /** Nothing was done and nothing is to be remembered: the key is free again. An answered or lost claim is left alone. */
  release(tx: Transaction, claim: IdempotencyClaim): Promise<void>;
  /** Removes up to `limit` keys whose time is over. Returns how many. */
  prune(tx: Transaction, limit: number): Promise<number>;
}
