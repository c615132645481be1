import type { EventType } from '../notices/catalog.ts';
import type { Transaction } from './transactions.ts';

/** Something that others must hear of. Written in the transaction that made it true. */
export type NewEvent = {
  readonly organization: string;
  /** Events of one stream are delivered in order, e.g. `site:4711`. */
  readonly stream: string;
  readonly type: EventType;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly at: Date;
};

export type OutboxEvent = NewEvent & {
  /** Stays the same however often the event is delivered: the key by which a receiver drops a repetition. */
  readonly id: string;
};

/** An event that this caller alone may deliver, until the claim's time is over. */
export type Claim = {
  readonly subscriber: string;
  readonly event: OutboxEvent;
  /** Proves the claim: whoever comes after a claimer that was too slow has another one. */
  readonly token: string;
  /** This delivery included. */
  readonly attempts: number;
};

export type DeadLetter = {
  readonly subscriber: string;
  readonly event: OutboxEvent;
  readonly attempts: number;
  readonly error: string;
  readonly diedAt: Date;
};

/**
 * Events from transactions to subscribers, each at least once, each subscriber at its own pace. Events of one stream
 * reach a subscriber in the order in which they were published by transactions that exclude each other (both lock the
 * site, say, before they publish); one that is not yet delivered holds back what follows it in its stream, also when it
 * is dead, so that no subscriber ever sees a later event first. All times are the database's.
 */
export interface Outbox {
  /**
   * Registers a subscriber: it gets every event of these types (undefined: of any type) that is published from now on.
   * What one that is known had still to get stays.
   */
  subscribe(tx: Transaction, subscriber: string, types?: readonly string[]): Promise<void>;
  /** Forgets a subscriber and what it was still to get. */
  unsubscribe(tx: Transaction, subscriber: string): Promise<void>;
  /**
   * In the caller's transaction, with a delivery for each webhook and mail recipient that hears it. Returns the events'
   * ids, in order.
   */
  publish(tx: Transaction, events: readonly NewEvent[]): Promise<readonly string[]>;

  /** The oldest events that are due, at most one of each stream. Commit before delivering: that makes the claim hold. */
  claim(tx: Transaction, subscriber: string, limit: number, leaseSeconds: number): Promise<readonly Claim[]>;
  /**
   * The event is delivered. When it rejects with OUTBOX_CLAIM_LOST somebody else has the event by now; a subscriber
   * whose effect is in the same transaction thereby has its effect exactly once.
   */
  settle(tx: Transaction, claim: Claim): Promise<void>;
  /** The delivery failed: again after so many seconds, or never ('dead'). A lost claim is left to its new owner. */
  fail(tx: Transaction, claim: Claim, error: string, retryInSeconds: number | 'dead'): Promise<void>;

  /** How many events wait for each subscriber, how many are dead, and the age of the oldest. */
  backlog(tx: Transaction): Promise<readonly Backlog[]>;
  /** Dead letters of one subscriber after the given event, oldest first. */
  deadLetters(tx: Transaction, subscriber: string, limit: number, after?: string): Promise<readonly DeadLetter[]>;
  /** Delivers a dead letter again, with fresh attempts. False: there is no such dead letter. */
  replay(tx: Transaction, subscriber: string, eventId: string): Promise<boolean>;
  /** Gives a dead letter up, so that its stream goes on without it. False: there is no such dead letter. */
  discard(tx: Transaction, subscriber: string, eventId: string): Promise<boolean>;
  /** Has delivered now what waits for a time that only a clock that was ahead can have set. */
  recall(tx: Transaction): Promise<void>;
  /** Removes up to `limit` events older than `days` that nobody waits for. Returns how many. */
  prune(tx: Transaction, days: number, limit: number): Promise<number>;
}

export type Backlog = {
  readonly subscriber: string;
  readonly waiting: number;
  readonly dead: number;
  readonly oldestSeconds: number;
};
