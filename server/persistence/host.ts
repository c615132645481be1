import type { DataSource } from 'typeorm';

import type { Clock } from '../licensing/ports/clock.ts';
import type { Random } from '../licensing/ports/random.ts';
import type { Transactions } from '../licensing/ports/transactions.ts';

export type EmbeddedOptions = {
  host: 'embedded';
  folder: string;
  /** PostgreSQL's page cache; what matters for memory (bar P7). Default 16. */
  sharedBuffersMb?: number;
};

export type PostgresqlOptions = {
  host: 'postgresql';
  url: string;
  /** The login that owns the tables. Without it `url` does both, and the roles are only as separate as `set role`. */
  migratorUrl?: string;
  poolSize: number;
  statementTimeoutMs: number;
  lockTimeoutMs: number;
  tls?: { mode: 'disable' | 'require' | 'verify-full'; ca?: string };
};

export type DatabaseOptions = EmbeddedOptions | PostgresqlOptions;

/** The part of pino that we use. */
export type Log = Record<'info' | 'warn' | 'error', (fields: object, message: string) => void>;

export type DatabaseDependencies = {
  clock: Clock;
  random: Random;
  log: Log;
  /** Called for each transaction that is tried again, with the cause: serialization, deadlock or link. */
  onRetry?: (cause: string) => void;
};

export interface Database extends Transactions {
  readonly host: 'embedded' | 'postgresql';
  /** TypeORM over the same connections. Rows are only to be had inside `run`, which sets role and organization. */
  readonly dataSource: DataSource;
  /** Writes a row for readiness; rejects with a LicetError `unavailable` when the database does not take it. */
  checkWritable(): Promise<void>;
  /** How many transactions have succeeded so far, of whoever. */
  transactionsDone(): number;
  poolStats(): { total: number; idle: number; waiting: number };
  /** Waits for what is running; the embedded host writes a checkpoint and stops cleanly. */
  close(): Promise<void>;
}
