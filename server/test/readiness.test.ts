import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { requireThat } from '@licet/checks';
import { type Database, openDatabase, sql } from '../persistence/database.ts';
import { postgresPrograms } from '../persistence/test/cluster.ts';
import { testDependencies } from '../persistence/test/dependencies.ts';
import { type TestDatabase, testDatabase } from '../persistence/test/test-database.ts';
import { readinessOf } from '../wiring/readiness.ts';

const POOL = 2;

describe('readiness before PostgreSQL', function () {
  this.timeout(30_000);
  let place: TestDatabase;
  let database: Database;
  before(async function () {
    requireThat(this, postgresPrograms() === undefined ? ['PostgreSQL 15 or newer'] : []);
    place = await testDatabase(this);
    const options = { host: 'postgresql', url: place.url, poolSize: POOL } as const;
    database = await openDatabase({ ...options, statementTimeoutMs: 5000, lockTimeoutMs: 2000 }, testDependencies());
  });
  after(async () => {
    await database?.close();
    await place?.close();
  });

  const work = (seconds: number) =>
    database.run('platform', (tx) => sql(tx).query('select pg_sleep($1)', [seconds])).catch(() => undefined);
  const readiness = () => {
    const rest = { ping: () => Promise.resolve(), assertOpen: () => undefined };
    const checkCrls = () => database.run('platform', () => Promise.resolve(undefined), { readOnly: true });
    const checks = { checkCrls, checkKeys: async () => undefined, checkEnds: async () => undefined };
    return readinessOf({ database, signer: rest, fence: rest, ...checks }, 2);
  };

  it('is there while every connection is taken by those who are served', async () => {
    // More than are served in the second that anybody waits for a connection, and all before the check.
    const rush = Array.from({ length: 20 * POOL }, () => work(0.3));
    const { isReady, checks } = await readiness().state();
    await Promise.all(rush);
    assert.equal(isReady, true, JSON.stringify(checks));
    assert.match(checks.find(({ name }) => name === 'database')?.detail ?? '', /^busy, and serving others: /);
  });

  it('is not there while every connection hangs', async () => {
    const hanging = Array.from({ length: POOL }, () => work(4));
    await pause(100);
    const { isReady, checks } = await readiness().state();
    await Promise.all(hanging);
    assert.equal(isReady, false);
    assert.deepEqual(
      checks.filter(({ ok }) => !ok).map(({ name }) => name),
      ['database', 'crls'],
    );
  });
});
