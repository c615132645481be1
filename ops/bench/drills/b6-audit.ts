import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openDatabase } from '@licet/server/database';
import { dropGuards, tamper } from '@licet/server/test-audit';
import { administer, startCluster } from '@licet/server/test-cluster';

import type { Row } from '../row.ts';

const TRIALS = 10_000;

/** B6, the audit log: a superuser of PostgreSQL edits ten thousand chains, and each check must name the first bad row. */
export async function run(): Promise<Row> {
  const cluster = await startCluster(mkdtempSync(join(tmpdir(), 'licet-drill-pg-')));
  await administer(cluster, 'create database licet');
  const quiet = (): void => undefined;
  const random = { bytes: (length: number) => randomBytes(length) };
  const database = await openDatabase(
    { host: 'postgresql', url: cluster.url('licet'), poolSize: 2, statementTimeoutMs: 5000, lockTimeoutMs: 2000 },
    { clock: { now: () => new Date() }, random, log: { info: quiet, warn: quiet, error: quiet } },
  );
  try {
    await dropGuards(database);
    const problems = await tamper(database, TRIALS, random);
    const found = (TRIALS - problems.length).toLocaleString('en');
    return {
      id: 'B6',
      what: 'edits of the audit log by a superuser',
      bar: `${TRIALS.toLocaleString('en')} found, the first bad row named`,
      figure: `${found} found${problems[0] === undefined ? '' : `; first miss: ${problems[0]}`}`,
      pass: problems.length === 0,
    };
  } finally {
    await database.close();
  }
}
