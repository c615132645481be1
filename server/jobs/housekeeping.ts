import type { IdempotencyKeys } from '../licensing/ports/idempotency.ts';
import type { Outbox } from '../licensing/ports/outbox.ts';
import type { Transaction, Transactions } from '../licensing/ports/transactions.ts';
import type { Job, JobContext } from './job.ts';

/** Small enough that a batch holds its locks for milliseconds. */
const BATCH = 1_000;

export type HousekeepingDependencies = {
  readonly transactions: Transactions;
  readonly outbox: Outbox;
  readonly idempotencyKeys: IdempotencyKeys;
  /** How long delivered events stay, for whoever looks into what was sent. */
  readonly eventDays: number;
};

/** What keeps the tables of the shared mechanisms small. */
export function housekeeping({
  transactions,
  outbox,
  idempotencyKeys,
  eventDays,
}: HousekeepingDependencies): readonly Job[] {
  return [
    recalling('recall-outbox', transactions, outbox),
    {
      name: 'prune-outbox',
      cron: '17 * * * *',
      timeoutSeconds: 300,
      run: (context) => inBatches(transactions, context, (tx) => outbox.prune(tx, eventDays, BATCH)),
    },
    {
      name: 'prune-idempotency-keys',
      cron: '37 * * * *',
      timeoutSeconds: 300,
      run: (context) => inBatches(transactions, context, (tx) => idempotencyKeys.prune(tx, BATCH)),
    },
  ];
}

/** After a clock that was ahead what was written then waits for minutes, and not until that time has come. */
export const recalling = (
  name: string,
  transactions: Transactions,
  waiting: { recall(tx: Transaction): Promise<void> },
): Job => ({
  name,
  cron: '*/5 * * * *',
  timeoutSeconds: 60,
  run: ({ assertHeld }) =>
    transactions.run('platform', async (tx) => {
      await assertHeld(tx);
      await waiting.recall(tx);
    }),
});

/** As long as `prune` finds a whole batch to remove. */
export async function inBatches(
  transactions: Transactions,
  { signal, assertHeld }: JobContext,
  prune: (tx: Transaction) => Promise<number>,
  batch = BATCH,
): Promise<void> {
  for (let pruned = batch; pruned === batch;) {
    signal.throwIfAborted();
    pruned = await transactions.run('platform', async (tx) => {
      await assertHeld(tx);
      return prune(tx);
    });
  }
}
