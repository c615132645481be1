import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { requireThat } from '@licet/checks';
import { Client } from 'pg';

import { type Database, openDatabase, type PostgresqlOptions, sql } from '../database.ts';
import { administer, answers, type Cluster, postgresPrograms, startCluster, startPostmaster } from './cluster.ts';
import { testDependencies } from './dependencies.ts';
import { type FaultProxy, faultProxy } from './fault-proxy.ts';

const LIMITS = { host: 'postgresql', poolSize: 3, statementTimeoutMs: 2000, lockTimeoutMs: 300 } as const;

/** On a cluster of its own, because these tests stop it and change its roles. */
describe('The PostgreSQL host', function () {
  this.timeout(60_000);
  let cluster: Cluster;
  let databases = 0;

  before(async function () {
    requireThat(this, postgresPrograms() === undefined ? ['PostgreSQL 15 or newer'] : []);
    cluster = await startCluster(mkdtempSync(join(tmpdir(), 'licet-test-own-')));
  });

  const empty = async (): Promise<string> => {
    databases += 1;
    await administer(cluster, `create database empty_${databases}`);
    return cluster.url(`empty_${databases}`);
  };
  const open = (url: string, more: Partial<PostgresqlOptions> = {}): Promise<Database> =>
    openDatabase({ ...LIMITS, url, ...more }, testDependencies());
  const command = async (url: string, ...statements: string[]): Promise<void> => {
    const client = new Client(url);
    await client.connect();
    for (const statement of statements) await client.query(statement);
    await client.end();
  };

  describe('at the start', () => {
    it('says so when nothing answers', async () => {
      const started = performance.now();
      await assert.rejects(open('postgresql://licet:secret@127.0.0.1:1/licet'), (error: Error) => {
        assert.match(error.message, /^PostgreSQL at 127.0.0.1:1 does not answer \(.*\): start it or correct/);
        return 'code' in error && error.code === 'DATABASE_UNREACHABLE' && !error.message.includes('secret');
      });
      assert.ok(performance.now() - started < 6000);
    });

    it('says so when the database does not exist', async () => {
      await assert.rejects(open(cluster.url('nowhere')), { code: 'DATABASE_REFUSED', exitCode: 69 });
    });

    it('says so when TLS is demanded of a server without it', async () => {
      await assert.rejects(open(await empty(), { tls: { mode: 'verify-full' } }), { code: 'DATABASE_REFUSED' });
    });

    it('refuses a server that takes no writes', async () => {
      const url = `${await empty()}&options=-cdefault_transaction_read_only%3Don`;
      await assert.rejects(open(url), { code: 'DATABASE_READ_ONLY' });
    });

    it('refuses a database that a newer Licet has migrated', async () => {
      const url = await empty();
      await (await open(url)).close();
      await command(url, `insert into licet_migrations (number, name, checksum) values (999, '0999-future', 'x')`);
      await assert.rejects(open(url), { code: 'DATABASE_TOO_NEW', exitCode: 78, message: /0999-future/ });
    });

    it('refuses a database whose migrations are not ours', async () => {
      const url = await empty();
      await (await open(url)).close();
      await command(url, `update licet_migrations set checksum = 'x' where number = 1`);
      await assert.rejects(open(url), { code: 'DATABASE_CHANGED' });
    });

    it('migrates once when several servers start together', async () => {
      const url = await empty();
      const servers = await Promise.all([open(url), open(url), open(url)]);
      const rows: unknown = await servers[0].dataSource.query(
        'select count(*)::int as n, count(distinct name)::int as names, max(number) as last from licet_migrations',
      );
      const [{ n, names, last }] = rows as [{ n: number; names: number; last: number }];
      assert.ok(n > 0 && n === names && n === last);
      await Promise.all(servers.map((server) => server.close()));
    });

    it('works with a login that owns nothing, beside the migrator', async () => {
      const url = await empty();
      await command(url, 'create role migrator login createrole', 'create role server login noinherit');
      await command(url, 'grant licet_application, licet_platform to migrator with admin option').catch(
        () => undefined,
      );
      await command(url, 'grant all on schema public to migrator');
      const as = (login: string): string => url.replace('postgres@', `${login}@`);
      const database = await open(as('server'), { migratorUrl: as('migrator') });
      await database.checkWritable();
      await assert.rejects(database.dataSource.query('drop table readiness'), /must be owner/);
      await assert.rejects(database.dataSource.query('select * from readiness'), /permission denied/);
      await database.close();
    });

    it('says which right is missing to a login that may not make roles', async () => {
      const url = await empty();
      await command(url, 'create role nobody login');
      const as = url.replace('postgres@', 'nobody@');
      await assert.rejects(open(as), { code: 'DATABASE_PRIVILEGES', message: /give the migrator's login/ });
    });
  });

  describe('while serving', () => {
    let database: Database;
    let proxy: FaultProxy;

    before(async () => {
      const url = await empty();
      const name = new Client(url).database!;
      proxy = await faultProxy(join(cluster.folder, '.s.PGSQL.5432'), name);
      database = await open(proxy.url);
      await database.dataSource.query('create table marks (id integer)');
      await database.dataSource.query('grant all on marks to licet_platform');
    });
    after(async () => {
      await database.close();
      await proxy.close();
    });

    const mark = (id: number): Promise<unknown> =>
      database.run('platform', (tx) => sql(tx).query('insert into marks values ($1)', [id]));
    const marked = (id: number): Promise<unknown[]> =>
      database.run('platform', (tx) => sql(tx).query('select from marks where id = $1', [id]));

    it('ends a statement that runs too long', async () => {
      const slow = database.run('platform', (tx) => sql(tx).query('select pg_sleep(30)'));
      await assert.rejects(slow, { kind: 'unavailable', code: 'DATABASE_TIMEOUT' });
    });

    it('does not wait for a lock for ever', async () => {
      await database.run('platform', async (tx) => {
        await sql(tx).query('lock table marks');
        await assert.rejects(mark(0), { kind: 'unavailable', code: 'DATABASE_BUSY', retryAfterSeconds: 1 });
      });
    });

    it('answers within five seconds when the link is silent, and recovers by itself', async () => {
      await Promise.all([mark(1), mark(1), mark(1)]);
      proxy.silence();
      const started = performance.now();
      const attempts = await Promise.allSettled(Array.from({ length: 12 }, () => mark(2)));
      assert.ok(performance.now() - started < 5000, `${performance.now() - started} ms`);
      for (const attempt of attempts) assert.equal((attempt as PromiseRejectedResult).reason.kind, 'unavailable');
      proxy.restore();
      await mark(3);
      assert.equal((await marked(3)).length, 1);
    });

    it('says that the outcome is unknown when the link breaks during commit, and does not try again', async () => {
      proxy.cutAfter('commit\0'); // not the "read committed" of the opening
      await assert.rejects(mark(4), { code: 'OUTCOME_UNKNOWN', retryAfterSeconds: 1 });
      assert.equal((await marked(4)).length, 1);
    });

    it('tries again by itself when the link breaks before commit', async () => {
      proxy.cutAfter('insert into marks');
      await mark(5);
      assert.equal((await marked(5)).length, 1);
    });

    it('shows the state of its pool', async () => {
      const { total, idle, waiting } = database.poolStats();
      assert.ok(total >= 1 && total <= 3 && idle === total && waiting === 0);
    });

    it('says unavailable while PostgreSQL is down, and works again when it is back', async () => {
      await mark(6);
      process.kill(cluster.pid, 'SIGQUIT');
      await pause(200);
      await assert.rejects(mark(7), { kind: 'unavailable', code: 'DATABASE_UNREACHABLE', retryAfterSeconds: 5 });
      await assert.rejects(database.checkWritable(), { kind: 'unavailable' });
      startPostmaster(cluster.folder);
      await answers(cluster.url('postgres'));
      await mark(8);
      assert.equal((await marked(6)).length, 1);
    });
  });
});
