import type { Channel, Delivery, DeliveryStatus } from '../model/delivery.ts';
import type { Page } from './collection.ts';
import type { Transaction } from './transactions.ts';

/** A delivery that this caller alone may make, until the claim's time is over. */
export type DeliveryClaim = Delivery & {
  /** Proves the claim. */
  readonly token: string;
};

export type NewDelivery = Pick<
  Delivery,
  'organization' | 'channel' | 'receiver' | 'event' | 'type' | 'payload' | 'at' | 'secret'
>;

/**
 * What is on its way to receivers outside. `Outbox.publish` writes one delivery for each receiver that hears the event,
 * in the transaction that made it true; each is made at least once, in no promised order. All times are the database's.
 */
export interface Deliveries {
  /** For one receiver, past all filters. */
  write(tx: Transaction, delivery: NewDelivery): Promise<void>;
  /**
   * Deliveries that are due, at most `each` of one receiver, the longest waiting first; none of receivers that are
   * disabled or `busy`. Commit before delivering.
   */
  claim(
    tx: Transaction,
    channel: Channel,
    bounds: { readonly limit: number; readonly each: number; readonly busy: readonly string[] },
    leaseSeconds: number,
  ): Promise<readonly DeliveryClaim[]>;
  /** It has arrived, and its receiver works. A lost claim is left to its new owner. */
  settle(tx: Transaction, claim: DeliveryClaim, answer: number): Promise<void>;
  /**
   * It has not arrived: again after so many seconds, or never ('dead'). Returns for how many seconds its webhook has
   * taken nothing; undefined when the claim was lost or the receiver is no webhook.
   */
  fail(
    tx: Transaction,
    claim: DeliveryClaim,
    failure: { readonly answer: number | undefined; readonly error: string },
    retryInSeconds: number | 'dead',
  ): Promise<number | undefined>;
  /** Gives up all that waits for a receiver. Returns how many. */
  giveUp(tx: Transaction, receiver: string, error: string): Promise<number>;

  list(
    tx: Transaction,
    query: {
      readonly receiver: string;
      readonly status?: DeliveryStatus;
      readonly after?: string;
      readonly limit: number;
    },
  ): Promise<Page<Delivery>>;
  /** Delivers again what has ended, with fresh attempts. False: there is no such delivery, or it waits already. */
  replay(tx: Transaction, receiver: string, id: string): Promise<boolean>;
  /** The same for all dead letters that were written since; how many. */
  replayDead(tx: Transaction, receiver: string, since: Date | undefined): Promise<number>;
  /** Removes a dead letter. False: there is none. */
  discard(tx: Transaction, receiver: string, id: string): Promise<boolean>;
  /** Removes all of a receiver. */
  forget(tx: Transaction, receiver: string): Promise<void>;
  /** Has delivered now what waits for a time that only a clock that was ahead can have set. */
  recall(tx: Transaction): Promise<void>;
  /** Removes up to `limit` deliveries that were written more than `days` ago. Returns how many. */
  prune(tx: Transaction, days: number, limit: number): Promise<number>;
}
