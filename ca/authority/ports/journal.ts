import type { JournalEntry, JournalRecord } from './signer.ts';

/**
 * The record of what keys were used for, outside the database, so that no restored backup can forget it. One writer.
 * The argument why it is safe stands in `docs/decisions/0005-journal.md`.
 */
export interface Journal {
  /**
   * Durable when it resolves, with the sequence of the first record. Calls that arrive while the disk is busy share the
   * next write and its fsync. Rejects with JOURNAL_FULL or SIGNER_UNAVAILABLE: then none of the records exist.
   */
  append(records: readonly JournalRecord[]): Promise<bigint>;
  /** In the hands of the operating system by the next tick; durable with the next append, or a moment later. */
  note(records: readonly JournalRecord[]): void;
  /** The last durable entry; sequence 0 and 32 zero bytes when there is none. */
  head(): { readonly sequence: bigint; readonly hash: Uint8Array };
  /** Durable entries after `sequence`, in order, each checked against its hash. */
  after(sequence: bigint, limit: number): readonly JournalEntry[];
  close(): Promise<void>;
}
