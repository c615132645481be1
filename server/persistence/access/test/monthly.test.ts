import assert from 'node:assert/strict';
import { createMonthlyRequests, type MonthlyDeps, type MonthlyRequests } from '../../../licensing/access/monthly.ts';
import { LicetError } from '../../../licensing/errors.ts';
import type { Contract } from '../../../licensing/model/contract.ts';
import type { Plan } from '../../../licensing/model/plan.ts';
import type { Principal } from '../../../licensing/model/principal.ts';
import type { Collection } from '../../../licensing/ports/collection.ts';
import { onBothHosts } from '../../test/test-database.ts';
import { accessDeps, inside, owner, type TestAccess } from './access.ts';

const never = (): never => {
  throw new Error('not asked for here');
};

/** Contracts and plans as they are read here; the counting is the database's. */
const reading = <T extends { id: string }>(items: () => readonly T[]): Collection<T & Contract & Plan> => ({
  insert: never,
  lock: never,
  replace: never,
  count: never,
  get: async (_tx, id) => items().find((item) => item.id === id) as (T & Contract & Plan) | undefined,
  list: async () => ({ items: items() as readonly (T & Contract & Plan)[], next: undefined }),
});

onBothHosts('Requests per month', (getDatabase) => {
  let deps: TestAccess;
  let plans: { id: string; requestsPerMonth: number | 'unlimited' }[];
  let contracts: { id: string; plan: string | undefined }[];
  let enterprise = 0;
  let who: Principal;

  beforeEach(() => {
    deps = accessDeps(getDatabase());
    deps.clock.set('2026-11-30T23:00:00Z');
    plans = [{ id: 'small', requestsPerMonth: 5 }];
    contracts = [{ id: 'contract', plan: 'small' }];
    const id = `01920000-0000-7000-8000-${String(++enterprise).padStart(12, '0')}`;
    who = { ...owner('acme'), kind: 'site', enterprise: id };
  });

  const make = (more: Partial<MonthlyDeps> = {}): MonthlyRequests =>
    createMonthlyRequests({
      transactions: deps.transactions,
      quotas: deps.stores.quotas,
      contracts: reading(() => contracts),
      plans: reading(() => plans),
      clock: deps.clock,
      ...more,
    });

  const granted = async (monthly: MonthlyRequests, times: number): Promise<number> => {
    let count = 0;
    for (let index = 0; index < times; index++) {
      await monthly.count(who).then(
        () => count++,
        (error: unknown) => assert.ok(error instanceof LicetError && error.code === 'MONTHLY_REQUESTS_USED'),
      );
    }
    return count;
  };

  it('are as many as the plan says, and then it says how long the month goes on', async () => {
    const monthly = make();
    assert.equal(await granted(monthly, 8), 5);
    await assert.rejects(monthly.count(who), (error: LicetError) => {
      return error.kind === 'too-many' && error.retryAfterSeconds === 3600;
    });
    deps.clock.set('2026-12-01T00:00:00Z');
    assert.equal(await granted(monthly, 8), 5);
  });

  it('are counted over all processes and over a restart', async () => {
    const [one, other] = [make(), make()];
    assert.equal(await granted(one, 3), 3);
    await one.flush();
    assert.equal(await granted(other, 8), 2);
    await other.flush();
    assert.equal(await granted(make(), 8), 0);
  });

  it('are as many as the plan says now, also for who counted them while the clock was ahead', async () => {
    const monthly = make();
    deps.clock.advance(30 * 60_000);
    await monthly.count(who);
    deps.clock.advance(-30 * 60_000);
    plans = [{ id: 'small', requestsPerMonth: 9 }];
    assert.equal(await granted(monthly, 20), 8);
  });

  it('of several contracts are one sum, and without a plan there is no limit', async () => {
    contracts = [...contracts, { id: 'second', plan: 'small' }];
    assert.equal(await granted(make(), 20), 10);
    contracts = [...contracts, { id: 'third', plan: undefined }];
    assert.equal(await granted(make(), 20), 20);
    contracts = [];
    assert.equal(await granted(make(), 20), 20);
  });

  it('are not counted for who is of no enterprise', async () => {
    const monthly = make({ transactions: { run: never } });
    await monthly.count(owner('acme'));
  });

  it('are written down in batches', async () => {
    plans = [{ id: 'small', requestsPerMonth: 'unlimited' }];
    let writes = 0;
    const quotas = {
      add: (...args: Parameters<typeof deps.stores.quotas.add>) => {
        writes++;
        return deps.stores.quotas.add(...args);
      },
    };
    const monthly = make({ quotas });
    await Promise.all(Array.from({ length: 50 }, () => monthly.count(who)));
    assert.equal(writes, 1);
    assert.equal(await granted(monthly, 250), 250);
    assert.equal(writes, 3);
    await monthly.flush();
    const used = await inside(deps, 'acme', (tx) => deps.stores.quotas.add(tx, who.enterprise ?? '', '2026-11', 0));
    assert.equal(used, 300);
  });

  it('lose nothing when the database fails, and reject meanwhile', async () => {
    let isDown = false;
    const transactions: MonthlyDeps['transactions'] = {
      run: (...args) => (isDown ? Promise.reject(new Error('down')) : deps.transactions.run(...args)),
    };
    const monthly = make({ transactions });
    assert.equal(await granted(monthly, 2), 2);
    isDown = true;
    await assert.rejects(monthly.flush(), /down/);
    deps.clock.advance(61_000);
    await assert.rejects(monthly.count(who), /down/);
    isDown = false;
    assert.equal(await granted(monthly, 8), 3);
  });
});
