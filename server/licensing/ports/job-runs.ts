import type { Transaction } from './transactions.ts';

/** One planned execution of a job: the same in every process, because it comes from the schedule and not from a clock. */
export type Slot = { readonly job: string; readonly at: Date };

export type RunResult = 'succeeded' | 'failed' | 'timed-out';

export type JobRun = {
  readonly slot: Slot;
  readonly holder: string;
  readonly attempts: number;
  readonly startedAt: Date;
  readonly finishedAt: Date | undefined;
  readonly result: RunResult | undefined;
  readonly error: string | undefined;
};

/** Which slots were run, by whom and how they ended. Called by whoever holds the job's lease. */
export interface JobRuns {
  /**
   * Claims the slot. False when it was claimed before, or when a later slot of the job was: a slot runs once, and never
   * behind a newer one. Slots from a clock that was ahead are forgotten by that.
   */
  start(tx: Transaction, slot: Slot, holder: string): Promise<boolean>;
  /** Jobs that have a run without an end: it is running, or its holder crashed. */
  unfinished(tx: Transaction): Promise<readonly string[]>;
  /**
   * Claims the newest slot of the job when its run has no end. Only for who holds the job's lease: nobody else can then
   * be running it, so its holder crashed. A run that crashed `maxAttempts` times, or is no longer the newest, is noted
   * as failed instead.
   */
  takeOver(tx: Transaction, job: string, holder: string, maxAttempts: number): Promise<Slot | undefined>;
  /** Notes the end of a run, and forgets all but the newest `keep` runs of the job. */
  finish(tx: Transaction, slot: Slot, result: RunResult, error: string | undefined, keep: number): Promise<void>;
  /** Newest first. */
  history(tx: Transaction, job: string, limit: number): Promise<readonly JobRun[]>;
}
