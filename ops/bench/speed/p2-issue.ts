import { makeFleet } from '../load/fleet.ts';
import { costOf, Fleet, type Measured, rowOf } from '../load/issuing.ts';
import { Shop } from '../load/shop.ts';
import { bareLicensesPerSecond } from '../load/yardstick.ts';
import type { Row } from '../row.ts';

const CLIENTS = 64;
/** Some thousands of each way for each process: until then its compilers are at work, and take half of what there is. */
const WARMING = 2;
const ROUNDS = 3;
/** Of each round; by EST fewer, because each needs a connection of its own. */
const BY_EST = 2048;
const BY_API = 4096;
const ALONE = 100;

/**
 * P2: from the request over TLS to the license, durable in PostgreSQL and in the journal of the signer, for sites that
 * renew, with a new key each. Connections are open before; what generates the load is a process of its own. A server is
 * one thread: a machine of two processors is used by two of them behind one port; what one does by itself is said beside.
 */
export async function run(): Promise<readonly Row[]> {
  const worth = [bareLicensesPerSecond()];
  const rows = await withServers(2);
  worth.push(bareLicensesPerSecond());
  const more = await withServers(1);
  worth.push(bareLicensesPerSecond());
  return [...rows, ...more, yardstick(worth)];
}

/** Where the bars were set it is some 6,000. */
function yardstick(worth: readonly number[]): Row {
  const what = 'bare cryptography of licenses, one processor, before, between and after';
  return rowOf('P2', what, worth, { text: '', holds: () => true }, (rate) => `${Math.round(rate)}/s`);
}

async function withServers(servers: 1 | 2): Promise<readonly Row[]> {
  const shop = await Shop.open({ servers });
  try {
    const model = await shop.firstLicense('model');
    const fleet = new Fleet(shop, await makeFleet(shop, model, BY_API + (WARMING + ROUNDS) * BY_EST));
    const api: Measured[] = [];
    const est: Measured[] = [];
    for (let round = 0; round < WARMING + ROUNDS; round++) {
      api.push(await fleet.renewByApi(CLIENTS));
      est.push(await fleet.renewByEst(CLIENTS, BY_EST));
    }
    const rows = [
      ...rowsOf('API keys/refresh', servers, api.slice(WARMING)),
      ...rowsOf('EST simplereenroll, mTLS', servers, est.slice(WARMING)),
    ];
    return servers === 1 ? [...rows, ...(await alone(shop, model))] : rows;
  } finally {
    await shop.close();
  }
}

async function alone(shop: Shop, model: string): Promise<readonly Row[]> {
  const few = new Fleet(shop, await makeFleet(shop, model, 2 * ALONE, 'alone'));
  const bar = { text: '≤ 15 ms', holds: (ms: number) => ms <= 15 };
  const shown = (ms: number) => `${ms.toFixed(1)} ms`;
  const api = await few.renewByApi(1);
  const est = await few.renewByEst(1, ALONE);
  return [
    rowOf('P2', 'one client alone, API keys/refresh, p50', [api.p50], bar, shown),
    rowOf('P2', 'one client alone, EST simplereenroll, p50', [est.p50], bar, shown),
  ];
}

function rowsOf(way: string, servers: 1 | 2, rounds: readonly Measured[]): readonly Row[] {
  const rates = rounds.map(({ perSecond }) => perSecond);
  const late = rounds.map(({ p99 }) => p99);
  const fast = { text: servers === 2 ? '≥ 1,500/s' : '', holds: (rate: number) => servers === 1 || rate >= 1500 };
  const soon = { text: '≤ 250 ms', holds: (ms: number) => ms <= 250 };
  const what = `licenses, ${way}, ${CLIENTS} clients, ${servers === 2 ? 'two servers' : 'one server'}`;
  return [
    rowOf('P2', what, rates, fast, (rate) => `${Math.round(rate)}/s`),
    rowOf('P2', `the same, p99`, late, soon, (ms) => `${Math.round(ms)} ms`),
    costOf('P2', 'the same, CPU of each license', rounds),
  ];
}
