import type { Entity } from '../model/entity.ts';
import type { Transaction } from './transactions.ts';

/** A page of a list, by key: pages neither skip nor repeat when things are added meanwhile. */
export type Page<T> = { readonly items: readonly T[]; readonly next: string | undefined };

export type ListQuery<T> = {
  /** Equality only, on fields that the collection declares as filterable. */
  readonly where?: Partial<T>;
  /** The `next` of the page before. */
  readonly after?: string;
  readonly limit: number;
  /** By this field, which every row has, and where it is the same by creation. Default: by creation. */
  readonly by?: string;
  /** From the other end: newest first, or `by` from the last to the first. */
  readonly newestFirst?: boolean;
};

/**
 * The stored things of one kind. Rows of other organizations do not exist here, whatever the query: the transaction's
 * organization sees to it, and row-level security a second time.
 */
export interface Collection<T extends Entity> {
  /** Rejects with a conflict (code `<THING>_EXISTS`) when a unique name is taken. */
  insert(tx: Transaction, entity: T): Promise<void>;
  get(tx: Transaction, id: string): Promise<T | undefined>;
  /** As `get`, and nobody else changes or locks it until the transaction ends. */
  lock(tx: Transaction, id: string): Promise<T | undefined>;
  /** Stores `entity`, whose version is one above the stored one; otherwise rejects as stale (VERSION_STALE). */
  replace(tx: Transaction, entity: T): Promise<void>;
  list(tx: Transaction, query: ListQuery<T>): Promise<Page<T>>;
  count(tx: Transaction, where: Partial<T>): Promise<number>;
}
