import { makeFleet } from '../load/fleet.ts';
import { costOf, Fleet, rowOf } from '../load/issuing.ts';
import { Shop } from '../load/shop.ts';
import type { Row } from '../row.ts';

const FLEET = 100_000;
/** Renewed in truth; the rest is extrapolated. `LICET_BENCH_FLEET=100000` renews them all. */
const SITES = Number(process.env['LICET_BENCH_FLEET'] ?? 20_000);
const PART = 5000;
const CLIENTS = 64;
const MOST_SECONDS = 300;
/** By which the memory of the server may grow from the first part of the fleet to the last. */
const MOST_GROWTH_MB = 32;

/** P8: every site of a fleet gets another license at once, as after an incident. */
export async function run(): Promise<readonly Row[]> {
  const shop = await Shop.open();
  try {
    const licenses = await makeFleet(shop, await shop.firstLicense('model'), SITES);
    const parts = [];
    const memory: number[] = [];
    for (let from = 0; from < SITES; from += PART) {
      parts.push(await new Fleet(shop, licenses.slice(from, from + PART)).renewByApi(CLIENTS));
      memory.push(shop.memory());
    }
    const seconds = parts.map(({ perSecond }) => FLEET / perSecond);
    const bar = { text: '≤ 300 s', holds: (value: number) => value <= MOST_SECONDS };
    const grown = { text: `≤ ${MOST_GROWTH_MB} MB`, holds: (value: number) => value <= MOST_GROWTH_MB };
    return [
      rowOf(
        'P8',
        `re-issue ${FLEET.toLocaleString('en')} sites, from ${SITES.toLocaleString('en')} in parts of ${PART}`,
        seconds,
        bar,
        (value) => `${Math.round(value)} s`,
      ),
      rowOf(
        'P8',
        'memory of the server, grown from the first part to the last',
        [memory.at(-1)! - memory[0]!],
        grown,
        (value) => `${Math.round(value)} MB (of ${Math.round(memory.at(-1)!)})`,
      ),
      costOf('P8', 'CPU of each license', parts),
    ];
  } finally {
    await shop.close();
  }
}
