import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type Database, openDatabase, sql } from '@licet/server/database';
import { administer, startCluster } from '@licet/server/test-cluster';

import type { Row } from '../row.ts';

const ROUNDS = 3;
const SECONDS = 2;
const BATCH = 64;
const CLIENTS = 16;
const ROW_BYTES = 500; // about a certificate

// No bar of docs/bars.md is about these alone, so they are held to what the design counts on: one renewal per
// millisecond from the embedded database when requests are batched, and P2's 1,500 licenses per second from PostgreSQL.
const BARS = { embedded: { single: 200, batched: 1500 }, postgresql: { single: 500, batched: 1500 } } as const;

/** Durable commits: PostgreSQL as it comes, with fsync, and the embedded database as we ship it. */
export async function run(): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'licet-bench-'));
  const clusterFolder = mkdtempSync(join(tmpdir(), 'licet-bench-pg-'));
  const cluster = await startCluster(clusterFolder, { settings: ['fsync=on', 'full_page_writes=on'] });
  await administer(cluster, 'create database licet');
  const limits = { poolSize: CLIENTS, statementTimeoutMs: 5000, lockTimeoutMs: 2000 };
  const databases = [
    await openDatabase({ host: 'embedded', folder }, dependencies),
    await openDatabase({ host: 'postgresql', url: cluster.url('licet'), ...limits }, dependencies),
  ];
  try {
    const rows: Row[] = [];
    for (const database of databases) rows.push(...(await measured(database)));
    return rows;
  } finally {
    for (const database of databases) await database.close();
    rmSync(folder, { recursive: true });
  }
}

const quiet = (): void => undefined;
const dependencies = {
  clock: { now: () => new Date() },
  random: { bytes: (length: number) => randomBytes(length) },
  log: { info: quiet, warn: quiet, error: quiet },
};

async function measured(database: Database): Promise<Row[]> {
  await database.dataSource.query('create table bench (id uuid primary key default gen_random_uuid(), der bytea)');
  await database.dataSource.query('grant all on bench to licet_platform');
  const bars = BARS[database.host];
  return [
    await row(`${database.host}: commits/s, 1 client, 1 row each`, bars.single, () => rate(database, 1, 1)),
    await row(`${database.host}: rows/s, ${CLIENTS} clients, 1 row per commit`, bars.single, () =>
      rate(database, CLIENTS, 1),
    ),
    await row(`${database.host}: rows/s, ${BATCH} rows per commit`, bars.batched, () => rate(database, 1, BATCH)),
  ];
}

/** Rows made durable per second. */
async function rate(database: Database, clients: number, batch: number): Promise<number> {
  const ders = Array.from({ length: batch }, () => randomBytes(ROW_BYTES));
  const started = performance.now();
  let rows = 0;
  const client = async (): Promise<void> => {
    while (performance.now() - started < SECONDS * 1000) {
      await database.run('platform', (tx) =>
        sql(tx).query('insert into bench (der) select unnest($1::bytea[])', [ders]),
      );
      rows += batch;
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return (rows * 1000) / (performance.now() - started);
}

async function row(what: string, bar: number, measure: () => Promise<number>): Promise<Row> {
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round++) rates.push(await measure());
  rates.sort((a, b) => a - b);
  const median = rates[Math.floor(ROUNDS / 2)]!;
  const shown = (value: number): string => Math.round(value).toLocaleString('en');
  const spread = `${shown(rates[0]!)} – ${shown(rates.at(-1)!)}`;
  return { id: 'DB', what, bar: `≥ ${shown(bar)}`, figure: shown(median), spread, pass: median >= bar };
}
