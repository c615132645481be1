import type { Pool } from 'pg';
import { DataSource } from 'typeorm';

import type { Database, DatabaseDependencies } from './host.ts';
import { entities } from './entities.ts';
import { createTransactions, sql } from './transactions.ts';

/**
 * A plan is kept as long as its connection, and was perhaps made when a table was empty: to read the whole of it would be
 * the cheapest then, and ruin an hour later. Nothing here has a reason to read a table other than by an index. To try
 * every order of eight joins takes 40 ms and to compile a statement 100, for what runs in one.
 */
const PLANS = 'set enable_seqscan to off; set join_collapse_limit to 4; set jit to off';

/** What both hosts have in common once there is a pool of `pg` connections to a migrated database. */
export async function databaseOver(
  host: Database['host'],
  pool: Pool,
  { random, log, onRetry }: DatabaseDependencies,
): Promise<Database> {
  // An idle connection that breaks says so here; without a listener that would end the process.
  pool.on('error', (error) => log.warn({ err: error }, 'a database connection broke'));
  pool.on('connect', (client) => {
    client.query(PLANS).catch((error: unknown) => log.warn({ err: error }, 'a connection plans as PostgreSQL likes'));
  });
  const dataSource = new DataSource({
    type: 'postgres',
    driver: { Pool: given(pool) },
    entities,
    synchronize: false,
    installExtensions: false,
    logging: false,
  });
  await dataSource.initialize();
  let done = 0;
  const transactions = createTransactions(dataSource, random, {
    onRetry: onRetry ?? (() => undefined),
    onDone: () => (done += 1),
  });
  return {
    host,
    dataSource,
    run: transactions.run.bind(transactions),
    checkWritable: () =>
      transactions.run('platform', async (tx) => {
        await sql(tx).query('update readiness set checked_at = now()');
      }),
    transactionsDone: () => done,
    poolStats: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    close: () => dataSource.destroy(),
  };
}

/** TypeORM builds `new driver.Pool(…)` from options of its own; it is handed ours, so that there is one pool. */
function given(pool: Pool): new () => Pool {
  return function Pool() {
    return pool;
  } as unknown as new () => Pool;
}
