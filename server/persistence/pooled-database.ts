import type { Pool } from 'pg';
import { DataSource } from 'typeorm';

import type { Database, DatabaseDependencies } from './host.ts';
import { entities } from './entities.ts';
import { createTransactions, sql } from './transactions.ts';

/** What both hosts have in common once there is a pool of `pg` connections to a migrated database. */
export async function databaseOver(
  host: Database['host'],
  pool: Pool,
  { random, log, onRetry }: DatabaseDependencies,
): Promise<Database> {
  // An idle connection that breaks says so here; without a listener that would end the process.
  pool.on('error', (error) => log.warn({ err: error }, 'a database connection broke'));
  const dataSource = new DataSource({
    type: 'postgres',
    driver: { Pool: given(pool) },
    entities,
    synchronize: false,
    installExtensions: false,
    logging: false,
  });
  await dataSource.initialize();
  const transactions = createTransactions(dataSource, random, onRetry ?? (() => undefined));
  return {
    host,
    dataSource,
    run: transactions.run.bind(transactions),
    checkWritable: () =>
      transactions.run('platform', async (tx) => {
        await sql(tx).query('update readiness set checked_at = now()');
      }),
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
