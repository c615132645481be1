import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { requireThat } from '@licet/checks';

import { type Database, openDatabase, sql } from '../database.ts';
import { type EmbeddedTuning, openEmbedded } from '../embedded/host.ts';
import { quickFolder } from './durability.ts';
import { testDependencies } from './dependencies.ts';
import { copyOfTemplate } from './embedded-template.ts';

const open = (folder: string): Promise<Database> => openDatabase({ host: 'embedded', folder }, testDependencies());

describe('The folder of the embedded database', function () {
  this.timeout(30_000);
  let folder: string;

  beforeEach(async () => {
    folder = await copyOfTemplate(quickFolder());
  });
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

  const inside = (name: string): string => join(folder, 'database', name);
  /** Everything in it, so that "no harm" can be shown. */
  const fingerprint = (): string => {
    const hash = createHash('sha256');
    for (const name of fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
      hash.update(name);
      if (fs.statSync(join(folder, name)).isFile()) hash.update(fs.readFileSync(join(folder, name)));
    }
    return hash.digest('hex');
  };
  const refusedUnharmed = async (code: string, message: RegExp): Promise<void> => {
    const before = fingerprint();
    await assert.rejects(open(folder), { name: 'StartupError', code, message });
    assert.equal(fingerprint(), before);
  };

  it('has one owner at a time, and is free again when that one closes', async () => {
    const first = await open(folder);
    await assert.rejects(open(folder), { code: 'FOLDER_IN_USE', message: /in use by another running Licet: stop/ });
    const byAnotherName = `${folder}-link`;
    fs.symlinkSync(folder, byAnotherName);
    await assert.rejects(open(byAnotherName), { code: 'FOLDER_IN_USE' });
    fs.rmSync(byAnotherName);
    await first.checkWritable();
    await first.close();
    await (await open(folder)).close();
  });

  it('is made anew when the making of it was interrupted', async () => {
    fs.renameSync(inside(''), join(folder, 'database.new'));
    fs.rmSync(join(folder, 'database.new/pgdata/global'), { recursive: true });
    const database = await open(folder);
    await database.checkWritable();
    await database.close();
    assert.deepEqual(fs.readdirSync(folder), ['database']);
  });

  it('is refused when a newer Licet wrote it', async () => {
    fs.writeFileSync(inside('licet.json'), '{"format":2}');
    await refusedUnharmed('FOLDER_TOO_NEW', /start that version or a newer one/);
    fs.writeFileSync(inside('licet.json'), '{"format":1}');
    fs.writeFileSync(inside('pgdata/PG_VERSION'), '19\n');
    await refusedUnharmed('FOLDER_TOO_NEW', /PostgreSQL 19/);
  });

  it('is refused when it holds an older PostgreSQL, with the way out', async () => {
    fs.writeFileSync(inside('pgdata/PG_VERSION'), '17\n');
    await refusedUnharmed('FOLDER_TOO_OLD', /licet db export/);
  });

  it('is refused when parts of it are missing or unreadable', async () => {
    fs.writeFileSync(inside('licet.json'), '{"form');
    await refusedUnharmed('FOLDER_CORRUPT', /restore it from a backup/);
    fs.writeFileSync(inside('licet.json'), '{"format":1}');
    fs.renameSync(inside('pgdata/global/pg_control'), inside('saved'));
    await refusedUnharmed('FOLDER_CORRUPT', /pg_control is missing/);
    fs.writeFileSync(inside('pgdata/global/pg_control'), Buffer.alloc(8192));
    await refusedUnharmed('FOLDER_CORRUPT', /is damaged \(/);
  });

  it('is refused when it cannot be a folder', async () => {
    fs.writeFileSync(join(folder, 'file'), '');
    await assert.rejects(open(join(folder, 'file')), { code: 'FOLDER_NOT_WRITABLE' });
  });

  it('may run out of space: unavailable meanwhile, nothing lost, and it recovers by itself', async function () {
    const disk = join(folder, 'small-disk');
    fs.mkdirSync(disk);
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=80m', 'tmpfs', disk]).status === 0;
    requireThat(this, mounted ? [] : ['the right to mount a small disk']);
    try {
      await fillAndRecover(disk);
    } finally {
      spawnSync('umount', ['-l', disk]);
    }
  });

  async function fillAndRecover(disk: string): Promise<void> {
    fs.renameSync(await copyOfTemplate(quickFolder()), join(folder, 'template'));
    fs.cpSync(join(folder, 'template'), join(disk, 'licet'), { recursive: true });
    const database = await open(join(disk, 'licet'));
    await database.dataSource.query('create table filled (n integer, filler text)');
    await database.dataSource.query('grant all on filled to licet_platform');
    const ballast = join(disk, 'ballast');
    fs.writeFileSync(ballast, Buffer.alloc(30_000_000));
    let acknowledged = 0;
    const fill = async (): Promise<void> => {
      for (; ; acknowledged++) {
        await database.run('platform', (tx) =>
          sql(tx).query('insert into filled select $1, repeat(md5(i::text), 60) from generate_series(1, 500) i', [
            acknowledged,
          ]),
        );
      }
    };
    await assert.rejects(fill(), { kind: 'unavailable' });
    await assert.rejects(database.checkWritable(), { kind: 'unavailable' }).catch(() => undefined);
    fs.rmSync(ballast);
    await database.checkWritable();
    const [row] = await database.run('platform', (tx) =>
      sql(tx).query<{ n: string }>('select count(distinct n) as n from filled where n < $1', [acknowledged]),
    );
    assert.equal(Number(row?.n), acknowledged);
    await database.close();
  }
});

describe('The one session of the embedded database', function () {
  this.timeout(30_000);
  let folder: string;
  let database: Database;

  const opened = async (tuning: EmbeddedTuning): Promise<void> => {
    folder = await copyOfTemplate(quickFolder());
    database = await openEmbedded({ host: 'embedded', folder }, testDependencies(), tuning);
  };
  afterEach(async () => {
    await database.close();
    fs.rmSync(folder, { recursive: true });
  });

  it('is taken back from a query runner that is never released', async () => {
    await opened({ patience: { idleMs: 150 } });
    const greedy = database.dataSource.createQueryRunner();
    await greedy.startTransaction();
    await greedy.query('update readiness set checked_at = null::timestamptz where false');
    const started = performance.now();
    await database.checkWritable();
    assert.ok(performance.now() - started < 3000);
    await assert.rejects(greedy.query('select 1'), /released|connection/i);
  });

  it('is taken back from work that falls asleep in its transaction, which is rolled back', async () => {
    await opened({ patience: { idleMs: 150 } });
    const sleepy = database.run('platform', async (tx) => {
      await sql(tx).query(`update readiness set checked_at = '2000-01-01'`);
      await pause(500);
      await sql(tx).query('select 1');
    });
    await assert.rejects(sleepy, { kind: 'unavailable' });
    const rows = await database.run('platform', (tx) =>
      sql(tx).query(`select from readiness where checked_at = '2000-01-01'`),
    );
    assert.equal(rows.length, 0);
  });

  it('survives a statement that does not end: the engine is restarted, and what was committed is there', async () => {
    await opened({ patience: { answerMs: 400 } });
    await database.dataSource.query('create table kept as select 1 as one');
    const endless = database.dataSource.query('select sum(i) from generate_series(1, 100000000000) i');
    await assert.rejects(endless, /ran for 400 ms/);
    assert.deepEqual(await database.dataSource.query('select * from kept'), [{ one: 1 }]);
  });

  it('does not stop the event loop while it computes', async () => {
    await opened({});
    let beats = 0;
    const timer = setInterval(() => (beats += 1), 10);
    await database.dataSource.query('select count(*) from generate_series(1, 3000000)');
    clearInterval(timer);
    assert.ok(beats > 10, `${beats} beats`);
  });

  it('keeps its log short and its tables vacuumed', async () => {
    await opened({ maintenance: { everyMs: 100, maxWalBytes: 4_000_000, vacuumEveryMs: 200 } });
    await database.dataSource.query('create table busy (n integer primary key, filler text)');
    await database.dataSource.query(`insert into busy select i, repeat('x', 1000) from generate_series(1, 40000) i`);
    await database.dataSource.query(`update busy set filler = repeat('y', 1000)`);
    const upkeep = `select (select sum(size)::int from pg_ls_waldir()) as wal,
      (select vacuum_count::int from pg_stat_user_tables where relname = 'busy') as vacuums`;
    for (let waited = 0; ; waited += 100) {
      const [{ wal, vacuums }] = (await database.dataSource.query(upkeep)) as [{ wal: number; vacuums: number }];
      if (wal <= 70_000_000 && vacuums >= 1) break;
      assert.ok(waited < 10_000, `${wal} bytes of log, ${vacuums} vacuums`);
      await pause(100);
    }
  });
});
