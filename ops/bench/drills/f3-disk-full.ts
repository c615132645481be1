import { mkdirSync, mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isClean, sentenceOf } from '../house/books.ts';
import { House } from '../house/house.ts';
import { keepRunning } from '../house/postgresql.ts';
import { pause } from '../house/server-process.ts';
import { SmallDisk } from '../house/small-disk.ts';
import type { Row } from '../row.ts';

const FULL_MS = 6000;
const BACK_MS = 10_000;
const CLIENTS = 8;
const JOURNAL_MB = 8;
/** PostgreSQL as it is made takes 40 MB, and its log as much again. */
const DATA_MB = 160;
const SMALL_LOG = ['min_wal_size=32MB', 'max_wal_size=48MB'];

/** F3: no room for the journal of the signer, or for the database. */
export async function run(): Promise<readonly Row[]> {
  return [await journalFull(), await databaseFull()];
}

async function journalFull(): Promise<Row> {
  const folder = mkdtempSync(join(tmpdir(), 'licet-drill-'));
  const disk = new SmallDisk(mkdtempSync(join(tmpdir(), 'licet-drill-journal-')), JOURNAL_MB);
  mkdirSync(join(folder, 'signer'), { mode: 0o700 });
  symlinkSync(disk.folder, join(folder, 'signer/journal'));
  try {
    return await fill(await House.open(() => ({ folder })), disk, "the journal's disk");
  } finally {
    disk.close();
  }
}

async function databaseFull(): Promise<Row> {
  const disk = new SmallDisk(mkdtempSync(join(tmpdir(), 'licet-drill-pg-')), DATA_MB);
  try {
    const house = await House.open(undefined, { folder: disk.folder, settings: SMALL_LOG });
    const service = keepRunning(disk.folder, SMALL_LOG);
    try {
      return await fill(house, disk, "the database's disk");
    } finally {
      service.stop();
    }
  } finally {
    disk.close();
  }
}

async function fill(house: House, disk: SmallDisk, what: string): Promise<Row> {
  const crowd = house.crowd(CLIENTS);
  try {
    crowd.start();
    await pause(1500);
    disk.fill();
    await pause(FULL_MS);
    const before = crowd.licensed.length;
    disk.empty();
    const began = performance.now();
    while (crowd.licensed.length === before && performance.now() - began < 3 * BACK_MS) await pause(10);
    const backMs = performance.now() - began;
    await crowd.stop();
    const found = await house.checkBooks(crowd);
    const refused = [...crowd.answers].filter(([answer]) => answer.startsWith('503'));
    return {
      id: 'F3',
      what: `${what} full for ${FULL_MS / 1000} s`,
      bar: '503, never 500; no half issuance; recovers ≤ 10 s',
      figure:
        `${refused.map(([answer, count]) => `${count} ${answer}`).join(', ')}; ${crowd.wrong.length} other refusals` +
        `${crowd.wrong[0] === undefined ? '' : ` (${crowd.wrong[0].slice(0, 200)})`}; ${crowd.unsolved.length} unsolved; ` +
        `${sentenceOf(found)}; issuing again after ${(backMs / 1000).toFixed(1)} s`,
      pass:
        refused.length > 0 &&
        crowd.wrong.length === 0 &&
        crowd.unsolved.length === 0 &&
        isClean(found) &&
        backMs <= BACK_MS,
    };
  } finally {
    disk.empty();
    await crowd.stop();
    await house.close();
  }
}
