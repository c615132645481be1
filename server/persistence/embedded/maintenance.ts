import type { Pool, PoolClient } from 'pg';

import type { Log } from '../host.ts';

// Single-user mode has neither checkpointer nor autovacuum: what they do on a server is done here.
export type Maintenance = { everyMs: number; maxWalBytes: number; vacuumEveryMs: number };

export const MAINTENANCE: Maintenance = { everyMs: 2000, maxWalBytes: 48 * 1024 * 1024, vacuumEveryMs: 60_000 };

/** As autovacuum's defaults: 50 dead rows and a fifth of the table; a tenth changed makes the statistics stale. */
const NEEDY_TABLES = `
  select format('%I.%I', schemaname, stat.relname) as name
    from pg_stat_all_tables stat join pg_class on pg_class.oid = relid
   where schemaname not like 'pg\\_temp%'
     and (n_dead_tup > 50 + 0.2 * greatest(reltuples, 0) or n_mod_since_analyze > 50 + 0.1 * greatest(reltuples, 0))`;

const WAL_SINCE_CHECKPOINT = `
  select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), redo_lsn)::float8 as bytes from pg_control_checkpoint()`;

/** Keeps the log short and the tables lean; returns how to stop. */
export function maintain(pool: Pool, log: Log, plan: Maintenance): () => Promise<void> {
  let round = 0;
  let running: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    round += 1;
    const vacuum = (round * plan.everyMs) % plan.vacuumEveryMs === 0;
    running = running
      .then(() => once(pool, plan.maxWalBytes, vacuum))
      .catch((error: unknown) => log.warn({ err: error }, 'upkeep of the embedded database failed; it is tried again'));
  }, plan.everyMs).unref();
  return async () => {
    clearInterval(timer);
    await running;
  };
}

async function once(pool: Pool, maxWalBytes: number, vacuum: boolean): Promise<void> {
  const client = await pool.connect();
  try {
    await checkpointIfLong(client, maxWalBytes);
    if (!vacuum) return;
    const { rows } = await client.query<{ name: string }>(NEEDY_TABLES);
    for (const { name } of rows) await client.query(`vacuum (analyze) ${name}`);
  } finally {
    client.release();
  }
}

async function checkpointIfLong(client: PoolClient, maxWalBytes: number): Promise<void> {
  const { rows } = await client.query<{ bytes: number }>(WAL_SINCE_CHECKPOINT);
  if ((rows[0]?.bytes ?? 0) > maxWalBytes) await client.query('checkpoint');
}
