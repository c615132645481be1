import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startPostmaster } from '@licet/server/test-cluster';
import { powerFailures, record } from '@licet/server/test-durability';
import { isClean, sentenceOf } from '../house/books.ts';
import { DURABLE, House } from '../house/house.ts';
import { pause } from '../house/server-process.ts';
import type { Row } from '../row.ts';
import { scaled } from '../scale.ts';
import { seededChance } from '../seeded-chance.ts';

const KILLS = 20;
const BACK_MS = 10_000;
const CLIENTS = 8;
const POWER_FAILURES = 50;
const ROWS = 400;

/** F2: the database dies under load, without a word. */
export async function run(): Promise<readonly Row[]> {
  return [await killPostgresql(), await failPower()];
}

async function killPostgresql(): Promise<Row> {
  const kills = scaled(KILLS);
  const chance = seededChance(2);
  const house = await House.open();
  const crowd = house.crowd(CLIENTS);
  const backMs: number[] = [];
  try {
    crowd.start();
    for (let round = 0; round < kills; round += 1) {
      await pause(500 + 1500 * chance());
      killAll(house.cluster.folder);
      await startAgain(house.cluster.folder);
      const began = performance.now();
      const before = crowd.licensed.length;
      while (crowd.licensed.length === before && performance.now() - began < 3 * BACK_MS) await pause(10);
      backMs.push(performance.now() - began);
    }
    await crowd.stop();
    const found = await house.checkBooks(crowd);
    process.stderr.write(`${[...crowd.wrong.slice(0, 5), JSON.stringify([...crowd.answers])].join('\n')}\n`);
    const slowest = Math.max(...backMs);
    return {
      id: 'F2',
      what: `kill -9 of PostgreSQL, ${kills} times under load`,
      bar: '0 lost; recovers by itself ≤ 10 s',
      figure:
        `${crowd.licensed.length} licenses told; ${sentenceOf(found)}; ${crowd.unsolved} unsolved, ` +
        `${crowd.wrong.length} refused wrongly; issuing again after ${(slowest / 1000).toFixed(1)} s at most`,
      pass: isClean(found) && crowd.unsolved === 0 && crowd.wrong.length === 0 && slowest <= BACK_MS,
    };
  } finally {
    await crowd.stop();
    await house.close();
  }
}

/** The postmaster and all that it has started, so that nothing of it lives to tidy up. */
function killAll(folder: string): void {
  const pid = postmasterOf(folder);
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  for (const one of [pid, ...children]) {
    try {
      process.kill(one, 'SIGKILL');
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  }
}

const postmasterOf = (folder: string): number =>
  Number(readFileSync(join(folder, 'data/postmaster.pid'), 'utf8').split('\n')[0]);

/** As its service manager would: at once, and again while the dead one's memory is still in use. */
async function startAgain(folder: string): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    const pid = startPostmaster(folder, DURABLE);
    await pause(200);
    if (isAlive(pid)) return;
  }
  throw new Error(
    `PostgreSQL does not start any more: ${execFileSync('tail', [join(folder, 'postgres.log')]).toString()}`,
  );
}

function isAlive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

async function failPower(): Promise<Row> {
  const times = scaled(POWER_FAILURES);
  const outcomes = await powerFailures(await record(ROWS, true), times);
  const lost = outcomes.filter(({ acked, found }) => found < acked).length;
  const wrong = outcomes.filter(({ acked, found }) => found > acked).length;
  return {
    id: 'F2',
    what: `the embedded database: ${times} power failures that keep what was synced`,
    bar: '0 lost, always opens again',
    figure: `${lost} lost or not opened, ${wrong} with rows that nobody was told of`,
    pass: lost === 0 && wrong === 0,
  };
}
