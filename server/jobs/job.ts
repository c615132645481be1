import type { JobRuns, RunResult } from '../licensing/ports/job-runs.ts';
import type { Leases } from '../licensing/ports/leases.ts';
import type { Transaction, Transactions } from '../licensing/ports/transactions.ts';

/** Something that is done at set times, by one of all the server processes. */
export type Job = {
  /** Stable: it is the key of the runs in the database and a label of the metrics. */
  readonly name: string;
  /** Five fields: the clock is looked at once a minute. */
  readonly cron: string;
  /** IANA name; default UTC. */
  readonly timezone?: string;
  readonly timeoutSeconds: number;
  /** When the newest slot passed while no process was running: run it once at the next start. */
  readonly catchUp?: boolean;
  /**
   * Done once per slot, and again only when its process crashed on the way: so a second run must do no harm. Ends soon
   * after `signal` is aborted, with a rejection.
   */
  run(context: JobContext): Promise<void>;
};

export type JobContext = {
  /** The time for which the run was planned, not the time at which it runs. */
  readonly slot: Date;
  /** Aborted at the time-out, when the lease is lost, and when the server cannot wait any longer to stop. */
  readonly signal: AbortSignal;
  /** To be called in each transaction that writes: rejects when another process has taken over. */
  readonly assertHeld: (tx: Transaction) => Promise<void>;
};

/** `lost`: another process has taken over, because this one was silent for too long. */
export type JobReport = { readonly job: string; readonly result: RunResult | 'lost'; readonly seconds: number };

/** The part of pino that we use. */
export type Log = Record<'info' | 'warn' | 'error', (fields: object, message: string) => void>;

export type JobDependencies = {
  readonly transactions: Transactions;
  readonly leases: Leases;
  readonly runs: JobRuns;
  readonly log: Log;
  /** Names this process, and this start of it. */
  readonly holder: string;
  readonly onRun?: (report: JobReport) => void;
  /** How long after a crash another process takes over. Default 30. */
  readonly leaseSeconds?: number;
};
