import type { AccessStores } from '../licensing/access/ports.ts';
import type { Clock } from '../licensing/ports/clock.ts';
import type { Transaction, Transactions } from '../licensing/ports/transactions.ts';
import { inBatches } from './housekeeping.ts';
import type { Job } from './job.ts';

export type AccessHousekeepingDeps = {
  readonly transactions: Transactions;
  readonly clock: Clock;
  readonly stores: AccessStores;
  /** How long ended sessions stay, so that a refresh token of theirs that comes late is still known for stolen. */
  readonly sessionDays: number;
};

const BATCH = 1000;
const DAY_MS = 24 * 60 * 60 * 1000;

/** What keeps the tables of who gets in small. */
export function accessHousekeeping({
  transactions,
  clock,
  stores,
  sessionDays,
}: AccessHousekeepingDeps): readonly Job[] {
  const job = (name: string, cron: string, prune: (tx: Transaction) => Promise<number>): Job => ({
    name,
    cron,
    timeoutSeconds: 300,
    run: (context) => inBatches(transactions, context, prune, BATCH),
  });
  const { credentials, throttles, signIns } = stores;
  const endedBefore = (): Date => new Date(clock.now().getTime() - sessionDays * DAY_MS);
  return [
    job('prune-sessions', '7 * * * *', (tx) => credentials.prune(tx, endedBefore(), BATCH)),
    job('prune-throttles', '27 * * * *', (tx) => throttles.prune(tx, clock.now(), BATCH)),
    job('prune-sign-ins', '57 * * * *', (tx) => signIns.prune(tx, clock.now(), BATCH)),
  ];
}
