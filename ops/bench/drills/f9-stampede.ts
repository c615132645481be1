import { House } from '../house/house.ts';
import type { Row } from '../row.ts';
import { license, rush } from '../rush.ts';
import { scaled } from '../scale.ts';

const AGENTS = 10_000;
const MOST_SECONDS = 600;

/** F9: the real server with PostgreSQL, after an outage; the agents' own requests and back-off, all on one machine. */
export async function run(): Promise<Row> {
  const house = await House.open();
  try {
    const sites = await license(house, scaled(AGENTS));
    await house.server.end('SIGTERM');
    await house.restart();
    const found = await rush(house, sites, MOST_SECONDS * 1000);
    const { knockedSeconds, renewed, lastSeconds, nearSeconds, farSeconds, answers, timeless, slowest } = found;
    const all = { answers: Object.fromEntries(answers), slowest: Object.fromEntries(slowest) };
    process.stderr.write(`${JSON.stringify(all, null, 1)}\n`);
    const defects = [...house.server.output.matchAll(/"status":5(?!03)\d\d\b/g)].length;
    const busy = [...house.server.output.matchAll(/"status":503\b/g)].length;
    return {
      id: 'F9',
      what: `${sites.length} agents at once before the real server`,
      bar: 'all renewed ≤ 10 min, no 500, every 503 with Retry-After',
      figure:
        `all had knocked within ${knockedSeconds.toFixed(0)} s; ${renewed} renewed, the last after ` +
        `${lastSeconds.toFixed(0)} s, half of the tenth that ends first and last after ${nearSeconds.toFixed(0)} and ` +
        `${farSeconds.toFixed(0)} s; ${busy} × 503, ${timeless} without Retry-After, ${defects} other 5xx`,
      pass: renewed === sites.length && lastSeconds <= MOST_SECONDS && defects === 0 && timeless === 0,
    };
  } finally {
    await house.close();
  }
}
