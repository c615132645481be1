import { randomBytes } from 'node:crypto';

import { requireThat } from '@licet/checks';

import { type Database, type DatabaseDependencies, openDatabase } from '../database.ts';
import { administer, postgresPrograms, removeFolder, sharedCluster, TEMPLATE } from './cluster.ts';
import { testDependencies } from './dependencies.ts';
import { copyOfTemplate } from './embedded-template.ts';

export type Host = Database['host'];
export type TestDatabase = Database & {
  /** PostgreSQL only: its connection string, as superuser. */
  readonly url: string;
};

/**
 * A fresh, migrated database; `close()` removes it. In a hook: `database = await testDatabase(this)`. On a machine
 * without PostgreSQL the tests that need it are skipped, loudly.
 */
export async function testDatabase(
  context: Mocha.Context,
  host: Host = 'postgresql',
  deps: Partial<DatabaseDependencies> = {},
): Promise<TestDatabase> {
  // The first of a run makes the template; on two busy cores that can take longer than mocha's two seconds.
  context.timeout(30_000);
  const all = { ...testDependencies(), ...deps };
  if (host === 'embedded') return onEmbedded(all);
  requireThat(context, postgresPrograms() === undefined ? ['PostgreSQL 15 or newer'] : []);
  return onPostgresql(all);
}

async function onPostgresql(deps: DatabaseDependencies): Promise<TestDatabase> {
  const cluster = await sharedCluster();
  const name = `test_${randomBytes(6).toString('hex')}`;
  await administer(cluster, `create database ${name} template ${TEMPLATE}`);
  const url = cluster.url(name);
  const options = { host: 'postgresql', url, poolSize: 8, statementTimeoutMs: 5000, lockTimeoutMs: 2000 } as const;
  const database = await openDatabase(options, deps);
  const close = async (): Promise<void> => {
    await database.close();
    await administer(cluster, `drop database ${name} with (force)`);
  };
  return { ...database, url, close };
}

async function onEmbedded(deps: DatabaseDependencies): Promise<TestDatabase> {
  const folder = await copyOfTemplate();
  const database = await openDatabase({ host: 'embedded', folder }, deps);
  const close = async (): Promise<void> => {
    await database.close();
    removeFolder(folder);
  };
  return { ...database, url: '', close };
}

/** One suite, run on both hosts. `getDatabase()` is for use inside hooks and tests. */
export function onBothHosts(title: string, suite: (getDatabase: () => TestDatabase, host: Host) => void): void {
  for (const host of ['postgresql', 'embedded'] as const) {
    describe(`${title} (${host})`, () => {
      let database: TestDatabase | undefined;
      before(async function () {
        database = await testDatabase(this, host);
      });
      after(() => database?.close());
      suite(() => database!, host);
    });
  }
}
