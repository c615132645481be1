import assert from 'node:assert/strict';
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';

import { requireThat } from '@licet/checks';
import { Client } from 'pg';

import { openDatabase, sql } from '../database.ts';
import { exportDatabase } from '../export.ts';
import { administer, postgresPrograms, sharedCluster } from './cluster.ts';
import { testDependencies } from './dependencies.ts';
import { type TestDatabase, testDatabase } from './test-database.ts';

type Query = (text: string) => Promise<Record<string, unknown>[]>;

/** One hash of all rows of each table, and what the catalogue says of sequences, constraints and policies. */
async function fingerprint(query: Query): Promise<unknown> {
  const tables = await query(`
    select oid::regclass::text as name from pg_class
     where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') order by oid::regclass::text collate "C"`);
  const rows: Record<string, unknown> = {};
  for (const { name } of tables as { name: string }[]) {
    rows[name] = await query(`
      select count(*) as n, md5(coalesce(string_agg(t::text, E'\\n' order by t::text collate "C"), '')) as hash from ${name} t`);
  }
  const catalogue = await query(`
    select 'sequence' as kind, sequencename::text as it, last_value::text as what from pg_sequences
    union all select 'constraint', conrelid::regclass || conname, pg_get_constraintdef(oid) from pg_constraint
      where connamespace = 'public'::regnamespace and contype <> 'n'
    union all select 'policy', polrelid::regclass || polname, pg_get_expr(polqual, polrelid) from pg_policy
    union all select 'table', oid::regclass::text, relforcerowsecurity::text from pg_class
      where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
    order by 1, 2, 3`);
  return { rows, catalogue };
}

describe('licet db export', function () {
  this.timeout(60_000);
  let source: TestDatabase;
  let folder: string;

  before(async function () {
    requireThat(this, postgresPrograms() === undefined ? ['PostgreSQL 15 or newer'] : []);
    folder = mkdtempSync(join(tmpdir(), 'licet-test-export-'));
    source = await testDatabase(this, 'embedded');
  });
  after(async () => {
    await source?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  const exported = async (): Promise<string> => {
    const file = join(folder, `${randomBytes(4).toString('hex')}.sql`);
    const output = createWriteStream(file);
    await exportDatabase(source, output);
    output.end();
    await finished(output);
    return file;
  };
  const load = (file: string, url: string): SpawnSyncReturns<string> =>
    spawnSync(
      join(postgresPrograms()!, 'psql'),
      ['--no-psqlrc', '--quiet', '--output=/dev/null', '--file', file, url],
      {
        encoding: 'utf8',
      },
    );

  it('loads into an empty PostgreSQL with psql, every row and rule the same, and Licet starts on it', async () => {
    const awkward = ['tab\there', 'line\nbreak\rreturn', 'back\\slash \\N \\.', '', 'é 漢 \u{1F512}', '\\.', `quote's`];
    await source.run('platform', async (tx) => {
      for (const [index, text] of awkward.entries()) {
        await sql(tx).query(
          `insert into organizations (id, organization, created_at, updated_at, version, slug, name, status, settings)
           values (gen_random_uuid(), $1, now(), now(), 1, $1, $2, 'active', $3)`,
          [`organization-${index}`, text, JSON.stringify({ text, list: [1, null] })],
        );
      }
      await sql(tx).query(`select licet_make_certificate_partitions('2026-01-01Z', 3)`);
    });
    const cluster = await sharedCluster();
    await administer(cluster, 'create database exported');
    const url = cluster.url('exported');
    const file = await exported();
    const loaded = load(file, url);
    assert.equal(loaded.status, 0, loaded.stderr);

    const target = new Client(url);
    await target.connect();
    const there = await fingerprint(async (text) => (await target.query(text)).rows as Record<string, unknown>[]);
    await target.end();
    assert.deepEqual(there, await fingerprint((text) => source.dataSource.query(text)));

    const limits = { poolSize: 1, statementTimeoutMs: 5000, lockTimeoutMs: 1000 };
    const grown = await openDatabase({ host: 'postgresql', url, ...limits }, testDependencies());
    const names = await grown.run('platform', (tx) =>
      sql(tx).query<{ name: string }>('select name from organizations'),
    );
    assert.deepEqual(names.map(({ name }) => name).sort(), [...awkward].sort());
    await grown.checkWritable();
    await grown.close();

    const again = load(file, url);
    assert.notEqual(again.status, 0);
    assert.match(again.stderr, /load into an empty one/);
    await administer(cluster, 'drop database exported');
  });
});
