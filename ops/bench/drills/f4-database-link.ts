import { join } from 'node:path';
import { type FaultProxy, faultProxy } from '@licet/server/test-fault-proxy';
import { type Findings, isClean, sentenceOf } from '../house/books.ts';
import type { Crowd } from '../house/crowd.ts';
import { House } from '../house/house.ts';
import { pause } from '../house/server-process.ts';
import type { Row } from '../row.ts';
import { scaled } from '../scale.ts';

const CUTS = 500;
const DELAY_MS = 2000;
const FAULT_MS = 12_000;
const ENDED_MS = 5000;
const CLIENTS = 8;
const CUTS_MOST_MS = 240_000;

/** F4: what stands between server and PostgreSQL is slow, swallows everything, or breaks just when COMMIT is on its way. */
export async function run(): Promise<readonly Row[]> {
  let proxy: FaultProxy | undefined;
  const house = await House.open(async (_, { folder }) => {
    proxy = await faultProxy(join(folder, '.s.PGSQL.5432'), 'licet');
    return { databaseUrl: proxy.url };
  });
  const link = proxy!;
  const cuts = scaled(CUTS);
  const over = Math.max(3000, FAULT_MS * Math.min(1, cuts / CUTS));
  try {
    return [
      await under(house, `a delay of ${DELAY_MS / 1000} s each way`, async () => {
        link.delay(DELAY_MS);
        await pause(Math.max(over, 3 * DELAY_MS));
        link.restore();
      }),
      await under(house, 'a black hole', async () => {
        link.silence();
        await pause(Math.max(over, 2 * ENDED_MS));
        link.restore();
      }),
      await under(house, `${cuts} cuts while COMMIT is on its way`, (crowd) => cutOften(link, cuts, crowd)),
    ];
  } finally {
    await house.close();
    await link.close();
  }
}

async function cutOften(link: FaultProxy, cuts: number, crowd: Crowd): Promise<void> {
  const until = performance.now() + CUTS_MOST_MS;
  for (const from = link.cuts; link.cuts < from + cuts; await pause(1)) {
    link.cutAfter('commit\0'); // not the "read committed" of the opening
    if (performance.now() > until)
      throw new Error(`${link.cuts} cuts, and no more: ${JSON.stringify([...crowd.answers])}`);
  }
}

async function under(house: House, what: string, hurt: (crowd: Crowd) => Promise<void>): Promise<Row> {
  const crowd = house.crowd(CLIENTS);
  crowd.start();
  await pause(1000);
  await hurt(crowd);
  const back = performance.now();
  const before = crowd.licensed.length;
  while (crowd.licensed.length === before && performance.now() - back < 30_000) await pause(20);
  const backMs = performance.now() - back;
  await crowd.stop();
  const found = await house.checkBooks(crowd);
  process.stderr.write(`${[...crowd.wrong.slice(0, 5), JSON.stringify([...crowd.answers])].join('\n')}\n`);
  return rowOf(what, crowd, found, backMs);
}

function rowOf(what: string, crowd: Crowd, found: Findings, backMs: number): Row {
  const { slowestMs, unsolved, wrong, licensed, slowestSolvedMs } = crowd;
  return {
    id: 'F4',
    what: `the link to PostgreSQL: ${what}`,
    bar: 'each request ends ≤ 5 s; unknown outcomes solved by retry; 0 duplicates',
    figure:
      `the slowest ${(slowestMs / 1000).toFixed(2)} s; ${licensed.length} licenses, ${unsolved.length} unsolved, the last solved after ` +
      `${(slowestSolvedMs / 1000).toFixed(1)} s, ${wrong.length} refused wrongly; ${sentenceOf(found)}; ` +
      `issuing again after ${(backMs / 1000).toFixed(1)} s`,
    pass: slowestMs <= ENDED_MS && unsolved.length === 0 && wrong.length === 0 && isClean(found),
  };
}
