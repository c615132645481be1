import type { Transaction } from './transactions.ts';

export type Lease = {
  readonly name: string;
  /** One running process (or part of one); a new start is a new holder. */
  readonly holder: string;
  /** Rises with every acquisition of this name, for ever. */
  readonly token: bigint;
};

/**
 * A name that one holder has at a time. Expiry is judged by the database's clock alone, so processes with wrong clocks
 * cannot both believe to hold it; and because a holder may be paused past its expiry without noticing, whoever writes
 * under a lease calls `assertHeld` in the transaction of the write.
 */
export interface Leases {
  /** Undefined while somebody (also the same holder) has it and it has not expired, nor is from a clock that was ahead. */
  acquire(tx: Transaction, name: string, holder: string, seconds: number): Promise<Lease | undefined>;
  /** Starts its time anew. False: it expired or went to another; it cannot be won back, only acquired again. */
  renew(tx: Transaction, lease: Lease, seconds: number): Promise<boolean>;
  /** Gives it back before its time. A lease that went to another is left alone. */
  release(tx: Transaction, lease: Lease): Promise<void>;
  /**
   * Rejects with LEASE_LOST unless the lease is held now, and keeps it from being taken until this transaction ends:
   * what the transaction writes is written under the lease.
   */
  assertHeld(tx: Transaction, lease: Lease): Promise<void>;
}
