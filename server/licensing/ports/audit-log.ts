import type { AuditRow, ChainHead } from '../audit/chain.ts';
import type { Transaction } from './transactions.ts';

/** Whose chain: the identifier of an organization, or `platform` for what belongs to none. */
export type AuditChain = string;
export const PLATFORM_CHAIN = 'platform';

/**
 * What happened, to be kept for ever. An entry can never be changed or erased, so it holds references and no personal
 * data: `actor` and `subject` are stable pseudonyms (`user:7f3c…`, `site:…`, `job:prune`) whose owner is named in a
 * table from which a person can be erased while the chain still verifies; `details` holds identifiers, numbers, digests
 * and codes, never a name, an address or free text that somebody typed.
 */
export type AuditEvent = {
  readonly organization: AuditChain;
  readonly at: Date;
  readonly actor: string;
  /** What was done, e.g. `license.renewed`: part of the API, because customers search for it. */
  readonly action: string;
  readonly subject: string;
  readonly details?: Readonly<Record<string, unknown>>;
};

/** The head of a chain at some moment, kept where whoever can rewrite the database cannot reach. */
export type AuditCheckpoint = ChainHead;

export type AuditQuery = {
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
  readonly subject?: string | undefined;
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
  /** The `next` of the page before. */
  readonly after?: number | undefined;
  readonly newestFirst?: boolean;
  readonly limit: number;
  /** How many rows are looked at at most, however few of them are found. */
  readonly walk: number;
};

/** With a `next` there may be more, also when the page holds few or none. */
export type AuditPage = { readonly rows: readonly AuditRow[]; readonly next: number | undefined };

export interface AuditLog {
  /**
   * Adds the events to the chains of their organizations, in order, in the caller's transaction: they are durable
   * together with what they record, or neither is. Each chain is numbered from 1 without gaps and each entry carries the
   * hash of the one before. The heads of the chains stay locked until the transaction ends, so appends to one chain
   * wait for each other and appends to different chains do not: append last, and in one call. A batch of any size and
   * any mix of chains is two statements. Rejects with AUDIT_ENTRY_INVALID before anything is written.
   */
  append(tx: Transaction, events: readonly AuditEvent[]): Promise<readonly AuditCheckpoint[]>;

  /** The head of one chain, or undefined when nothing was ever appended to it. */
  checkpoint(tx: Transaction, organization: AuditChain): Promise<AuditCheckpoint | undefined>;

  /**
   * Up to `limit` rows with a sequence above `after` (undefined: from the very first, whatever its number), in order, as
   * they are stored, together with the head of the chain. Both are of one moment when the transaction is REPEATABLE READ.
   */
  page(
    tx: Transaction,
    organization: AuditChain,
    after: number | undefined,
    limit: number,
  ): Promise<{ readonly head: ChainHead | undefined; readonly rows: readonly AuditRow[] }>;

  /** Rows of one chain that all that is asked for applies to, in order. */
  search(tx: Transaction, organization: AuditChain, query: AuditQuery): Promise<AuditPage>;

  /** Chains that have rows or a head, in order, above `after`. */
  chains(tx: Transaction, after: AuditChain | undefined, limit: number): Promise<readonly AuditChain[]>;
}
