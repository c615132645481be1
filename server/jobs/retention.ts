import { RETAINED, type Retained, type Retention } from '../licensing/ports/retention.ts';
import type { Clock } from '../licensing/ports/clock.ts';
import type { Transactions } from '../licensing/ports/transactions.ts';
import { inBatches } from './housekeeping.ts';
import type { Job } from './job.ts';

export type RetentionDeps = {
  readonly transactions: Transactions;
  readonly clock: Clock;
  readonly retention: Retention;
  /** How many days each kind is kept after its end. */
  readonly days: Readonly<Record<Retained, number>>;
};

const BATCH = 1000;
const DAY_MS = 24 * 60 * 60 * 1000;

/** Forgets what was kept long enough: every night, a piece at a time. */
export const retentionJob = ({ transactions, clock, retention, days }: RetentionDeps): Job => ({
  name: 'retention',
  cron: '37 2 * * *',
  timeoutSeconds: 3600,
  catchUp: true,
  async run(context) {
    const now = clock.now().getTime();
    for (const kind of RETAINED) {
      const before = new Date(now - days[kind] * DAY_MS);
      await inBatches(transactions, context, (tx) => retention.forget(tx, kind, before, BATCH), BATCH);
    }
  },
});
