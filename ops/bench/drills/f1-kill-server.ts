import { CRASH_AT, CRASH_POINTS } from '@licet/authority';
import { isClean, sentenceOf } from '../house/books.ts';
import { House } from '../house/house.ts';
import { readyAddress } from '../house/is-ready.ts';
import { Lookout } from '../house/lookout.ts';
import { pause } from '../house/server-process.ts';
import type { Row } from '../row.ts';
import { scaled } from '../scale.ts';
import { seededChance } from '../seeded-chance.ts';

const RANDOM = 200;
const AT_EACH_POINT = 10;
const CLIENTS = 8;
const READY_MS = 5000;
/** In so long the load passes every point often enough. */
const REACHED_WITHIN_MS = 120_000;

const POINTS = Object.keys(CRASH_POINTS);
/** Passed several times a second; the others now and then. */
const isBusy = (point: string): boolean => point.startsWith('issue.');

/**
 * F1: the server's process, with its signer, on a real PostgreSQL and under load, is killed at random instants and at each
 * named point. Nothing that a client was told may be lost; what no client was told must be found out by asking again.
 */
export async function run(): Promise<readonly Row[]> {
  const house = await House.open();
  const chance = seededChance(1);
  const crowd = house.crowd(CLIENTS);
  const lookout = new Lookout(readyAddress(house.options.ports));
  const starts: Start[] = [];
  const missed: string[] = [];
  const points = Array.from({ length: scaled(AT_EACH_POINT) }, () => POINTS).flat();
  const random = scaled(RANDOM);
  try {
    crowd.start();
    for (let round = 0; round < Math.max(points.length, random); round += 1) {
      const point = points[round];
      if (point !== undefined && !(await crashAt(house, point, chance()))) missed.push(point);
      if (point !== undefined) starts.push(await restart(house, lookout));
      if (round >= random) continue;
      await pause(1200 * chance());
      await house.server.end('SIGKILL');
      starts.push(await restart(house, lookout));
    }
    await crowd.stop();
    const found = await house.checkBooks(crowd);
    const told = `${crowd.licensed.length} licenses told`;
    const solved = `${crowd.unsolved.length} requests unsolved, ${crowd.wrong.length} refused wrongly`;
    process.stderr.write(
      `${[...crowd.wrong.slice(0, 5), ...crowd.unsolved.slice(0, 5), JSON.stringify([...crowd.answers])].join('\n')}\n`,
    );
    return [
      {
        id: 'F1',
        what: `kill -9 of the server: ${random} times at random, ${points.length} times at ${POINTS.length} points`,
        bar: '0 lost, 0 serials twice, 0 signatures without a record',
        figure: `${told}; ${sentenceOf(found)}; ${solved}${missed.length > 0 ? `; not reached: ${missed.join(', ')}` : ''}`,
        pass: isClean(found) && crowd.unsolved.length === 0 && crowd.wrong.length === 0 && missed.length === 0,
      },
      readyRow(starts),
    ];
  } finally {
    await lookout.close();
    await crowd.stop();
    await house.close();
  }
}

/** Until the server says by its log that it serves, and until it has said so to who asks, among all who waited for it. */
type Start = { readonly servesMs: number; readonly ms: number };

async function restart(house: House, lookout: Lookout): Promise<Start> {
  const ms = await lookout.until(() => house.restart());
  return { servesMs: Number(/"ms":(\d+),"message":"ready"/.exec(house.server.output)?.[1]), ms };
}

function readyRow(starts: readonly Start[]): Row {
  const sorted = starts.toSorted((a, b) => a.ms - b.ms);
  const [first = 0, middle = 0, slowest = 0] = [0, sorted.length >> 1, sorted.length - 1].map((at) => sorted[at]?.ms);
  const serves = Math.max(...starts.map(({ servesMs }) => servesMs));
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
  return {
    id: 'F1',
    what: 'ready again after each',
    bar: '≤ 5 s',
    figure: `${seconds(slowest)} at most; its door is open after ${seconds(serves)} at most`,
    spread: `from ${seconds(first)}, half within ${seconds(middle)}`,
    pass: slowest <= READY_MS,
  };
}

/** False: the point was not passed in time. */
async function crashAt(house: House, point: string, chance: number): Promise<boolean> {
  await house.server.end('SIGKILL');
  const times = 1 + Math.floor(chance * (isBusy(point) ? 12 : 2));
  house.startOnly({ env: { [CRASH_AT]: `${point}:${times}` } });
  const { server } = house;
  await Promise.race([server.ended, pause(REACHED_WITHIN_MS)]);
  if (server.isOver) return true;
  await server.end('SIGKILL');
  return false;
}
