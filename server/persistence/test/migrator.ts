import { randomBytes } from 'node:crypto';
import { requireThat } from '@licet/checks';
import { Client } from 'pg';
import { migrate } from '../migrate.ts';
import { migrations } from '../migrations/index.ts';
import { administer, type Cluster, postgresPrograms, sharedCluster } from './cluster.ts';

export type Migrator = {
  /** Sees and changes everything. */
  readonly administrator: Client;
  /** Runs those of the migrations that come before this one, or all. */
  readonly migrateTo: (name?: string) => Promise<void>;
};

/** A database as it was at an earlier version, to be migrated as in production; gone after the suite. */
export function withMigrator(): () => Migrator {
  const name = `migrated_${randomBytes(6).toString('hex')}`;
  let cluster: Cluster;
  let administrator: Client;

  before(async function () {
    this.timeout(30_000);
    requireThat(this, postgresPrograms() === undefined ? ['PostgreSQL 15 or newer'] : []);
    cluster = await sharedCluster();
    await administer(cluster, `create role ${name} login createrole noinherit`);
    await administer(cluster, `create database ${name}`);
    administrator = new Client(cluster.url(name));
    await administrator.connect();
    await administrator.query(`grant all on schema public to ${name}`);
    // Another database of the cluster may have made these; then whoever comes later is given them.
    for (const role of ['licet_application', 'licet_platform']) {
      await administrator.query(
        `do $$ begin create role ${role} nologin; exception when duplicate_object then null; end $$`,
      );
      await administrator.query(`grant ${role} to ${name} with admin option`);
    }
  });
  after(async () => {
    await administrator?.end();
    if (cluster === undefined) return;
    await administer(cluster, `drop database ${name} with (force)`);
    await administer(cluster, `drop role ${name}`);
  });

  /** As a migrator that owns the tables, is no superuser, and has nothing of the roles by itself. */
  const migrateTo = async (end?: string): Promise<void> => {
    const count = end === undefined ? migrations.length : migrations.findIndex((one) => one.name === end);
    const migrator = new Client(cluster.url(name).replace('postgres@', `${name}@`));
    await migrator.connect();
    const query = async (text: string, values?: unknown[]) =>
      (await migrator.query<Record<string, unknown>>(text, values)).rows;
    await migrate(query, { info: () => {}, warn: () => {}, error: () => {} }, migrations.slice(0, count));
    await migrator.end();
  };
  return () => ({ administrator, migrateTo });
}
