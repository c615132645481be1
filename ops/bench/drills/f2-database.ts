import { powerFailures, record } from '@licet/server/test-durability';
import { isClean, sentenceOf } from '../house/books.ts';
import { House } from '../house/house.ts';
import { keepRunning, killAll } from '../house/postgresql.ts';
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
  const service = keepRunning(house.cluster.folder);
  try {
    crowd.start();
    for (let round = 0; round < kills; round += 1) {
      await pause(500 + 1500 * chance());
      killAll(house.cluster.folder);
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
        `${crowd.licensed.length} licenses told; ${sentenceOf(found)}; ${crowd.unsolved.length} unsolved, ` +
        `${crowd.wrong.length} refused wrongly; issuing again after ${(slowest / 1000).toFixed(1)} s at most`,
      pass: isClean(found) && crowd.unsolved.length === 0 && crowd.wrong.length === 0 && slowest <= BACK_MS,
    };
  } finally {
    await crowd.stop();
    service.stop();
    await house.close();
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
