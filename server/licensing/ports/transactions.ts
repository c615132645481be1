/** A running transaction. Opaque on purpose: only the stores of the persistence layer can look inside. */
export interface Transaction {
  readonly scope: Scope;
}

/**
 * Whose rows a transaction may see. The database enforces this by row-level security: a query that forgot its
 * organization finds nothing of anyone else's. `platform` is for what belongs to no organization (leases, outbox
 * delivery, migrations of data) and sees all.
 */
export type Scope = { readonly organization: string } | 'platform';

export interface Transactions {
  /**
   * Runs `work` in one transaction and commits when it resolves. What it wrote is durable when this resolves; when it
   * rejects, nothing of it is. Serialization failures and deadlocks are retried with jitter a bounded number of times,
   * so `work` must have no effect outside the transaction. When the outcome of the COMMIT itself is unknown (the link
   * broke), it rejects with `OutcomeUnknown` and is never retried here: only an idempotency key can decide that.
   */
  run<T>(scope: Scope, work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;
}

export type TransactionOptions = {
  /** Default: read committed. */
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable';
  readonly readOnly?: boolean;
  /**
   * Its statements are of fixed texts over arrays, and one plan of each is good for arrays of any length. Without this
   * PostgreSQL makes a new one for most calls, which costs more than it gains.
   */
  readonly onePlan?: boolean;
};
