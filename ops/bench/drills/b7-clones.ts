import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openDatabase } from '@licet/server/database';
import { cloneDrill } from '@licet/server/test-clones';
import { administer, startCluster } from '@licet/server/test-cluster';

import type { Row } from '../row.ts';
import { scaled } from '../scale.ts';

const SITES = 1000;

/** B7: a thousand copied sites and a thousand agents killed between answer and save, before the real authority. */
export async function run(): Promise<Row> {
  const cluster = await startCluster(mkdtempSync(join(tmpdir(), 'licet-drill-pg-')));
  await administer(cluster, 'create database licet');
  const quiet = (): void => undefined;
  const database = await openDatabase(
    { host: 'postgresql', url: cluster.url('licet'), poolSize: 16, statementTimeoutMs: 9000, lockTimeoutMs: 8000 },
    {
      clock: { now: () => new Date() },
      random: { bytes: (length) => randomBytes(length) },
      log: { info: quiet, warn: quiet, error: quiet },
    },
  );
  try {
    const { clones, missed, killed, falseAlarms } = await cloneDrill(database, scaled(SITES));
    return {
      id: 'B7',
      what: 'cloned sites, and agents killed between answer and save',
      bar: 'every clone caught at the second renewal; 0 false alarms',
      figure: `${clones - missed} of ${clones} caught; ${falseAlarms} false alarms in ${killed}`,
      pass: missed === 0 && falseAlarms === 0,
    };
  } finally {
    await database.close();
  }
}
