import { LicetError } from '../errors.ts';
import type { Contract } from '../model/contract.ts';
import type { Plan } from '../model/plan.ts';
import type { Principal } from '../model/principal.ts';
import type { Clock } from '../ports/clock.ts';
import type { Collection } from '../ports/collection.ts';
import type { Transaction, Transactions } from '../ports/transactions.ts';
import type { RequestQuotas } from './ports.ts';

export type MonthlyDeps = {
  readonly transactions: Transactions;
  readonly quotas: RequestQuotas;
  readonly contracts: Collection<Contract>;
  readonly plans: Collection<Plan>;
  readonly clock: Clock;
};

export interface MonthlyRequests {
  /** Counts a request of an enterprise. Rejects with MONTHLY_REQUESTS_USED when its plans allow no more this month. */
  count(principal: Principal): Promise<void>;
  /** Writes down what was counted since. */
  flush(): Promise<void>;
}

type Tally = {
  readonly organization: string;
  readonly enterprise: string;
  readonly month: string;
  /** What all processes had written down when this one last did. */
  used: number;
  pending: number;
  allowed: number;
  readAt: number;
  /** The look-up or the writing that is under way: whoever comes meanwhile waits for it and starts no second one. */
  running: Promise<void> | undefined;
};

/** Between two writings nobody knows of the others' requests: a quota may be passed by so many per process. */
const MOST_PENDING = 100;
const FRESH_MS = 60_000;
const MOST_CONTRACTS = 1000;
const LONGEST_WAIT_SECONDS = 24 * 60 * 60;

export function createMonthlyRequests(deps: MonthlyDeps): MonthlyRequests {
  const tallies = new Map<string, Tally>();
  return {
    async count({ organization, enterprise }) {
      if (enterprise === undefined) return;
      const now = deps.clock.now();
      const tally = tallyOf(tallies, organization, enterprise, now.toISOString().slice(0, 7));
      // Either way: what is from a time to come is from a clock that was ahead.
      const isStale = tally.pending >= MOST_PENDING || Math.abs(now.getTime() - tally.readAt) >= FRESH_MS;
      if (isStale || tally.running) await (tally.running ??= settle(deps, tally));
      if (tally.used + tally.pending >= tally.allowed) throw used(now);
      tally.pending++;
    },
    async flush() {
      const month = deps.clock.now().toISOString().slice(0, 7);
      for (const [key, tally] of tallies) {
        if (tally.pending > 0) await (tally.running ??= settle(deps, tally));
        if (tally.month !== month && tally.pending === 0) tallies.delete(key);
      }
    },
  };
}

function tallyOf(tallies: Map<string, Tally>, organization: string, enterprise: string, month: string): Tally {
  const key = `${organization} ${enterprise} ${month}`;
  const known = tallies.get(key);
  if (known !== undefined) return known;
  const counts = { used: 0, pending: 0, allowed: 0, readAt: -Infinity, running: undefined };
  const tally: Tally = { organization, enterprise, month, ...counts };
  tallies.set(key, tally);
  return tally;
}

async function settle(deps: MonthlyDeps, tally: Tally): Promise<void> {
  const { organization, enterprise, month, pending } = tally;
  try {
    await deps.transactions.run({ organization }, async (tx) => {
      const allowed = await allowedFor(deps, tx, enterprise);
      const used = await deps.quotas.add(tx, enterprise, month, pending);
      Object.assign(tally, { allowed, used });
    });
    tally.pending -= pending;
    tally.readAt = deps.clock.now().getTime();
  } finally {
    tally.running = undefined;
  }
}

/** The plans of its running contracts together; a contract without a plan, or a plan without a limit, sets none. */
async function allowedFor({ contracts, plans }: MonthlyDeps, tx: Transaction, enterprise: string): Promise<number> {
  const { items } = await contracts.list(tx, { where: { enterprise, status: 'active' }, limit: MOST_CONTRACTS });
  let allowed = items.length === 0 ? Infinity : 0;
  for (const { plan: id } of items) {
    const plan = id === undefined ? undefined : await plans.get(tx, id);
    allowed += plan === undefined || plan.requestsPerMonth === 'unlimited' ? Infinity : plan.requestsPerMonth;
  }
  return allowed;
}

function used(now: Date): LicetError {
  const next = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1);
  const retryAfterSeconds = Math.min(LONGEST_WAIT_SECONDS, Math.ceil((next - now.getTime()) / 1000));
  const message =
    'The requests that your plan includes in a month are used up; wait for the next month, or ask for more.';
  return new LicetError('too-many', 'MONTHLY_REQUESTS_USED', message, { retryAfterSeconds });
}
