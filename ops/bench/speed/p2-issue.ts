import { makeFleet } from '../load/fleet.ts';
import { costOf, Fleet, type Measured, rowOf } from '../load/issuing.ts';
import { Shop } from '../load/shop.ts';
import type { Row } from '../row.ts';

const CLIENTS = 64;
const ROUNDS = 3;
/** Of each round; by EST fewer, because each needs a connection of its own. */
const BY_EST = 384;
const BY_API = 1536;
const ALONE = 100;

/**
 * P2: from the request over TLS to the license, durable in PostgreSQL and in the journal of the signer, for sites that
 * renew, with a new key each. Connections are open before; what generates the load is a process of its own.
 */
export async function run(): Promise<readonly Row[]> {
  const shop = await Shop.open();
  try {
    const model = await shop.firstLicense('model');
    const fleet = new Fleet(shop, await makeFleet(shop, model, BY_API + (ROUNDS + 1) * BY_EST));
    const api: Measured[] = [];
    const est: Measured[] = [];
    for (let round = 0; round <= ROUNDS; round++) {
      api.push(await fleet.renewByApi(CLIENTS));
      est.push(await fleet.renewByEst(CLIENTS, BY_EST));
    }
    // The first round is the compiler's.
    const rows = [...rowsOf('API keys/refresh', api.slice(1)), ...rowsOf('EST simplereenroll, mTLS', est.slice(1))];
    return [...rows, ...(await alone(shop, model))];
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

function rowsOf(what: string, rounds: readonly Measured[]): readonly Row[] {
  const rates = rounds.map(({ perSecond }) => perSecond);
  const late = rounds.map(({ p99 }) => p99);
  const fast = { text: '≥ 1,500/s', holds: (rate: number) => rate >= 1500 };
  const soon = { text: '≤ 250 ms', holds: (ms: number) => ms <= 250 };
  return [
    rowOf('P2', `licenses, ${what}, ${CLIENTS} clients`, rates, fast, (rate) => `${Math.round(rate)}/s`),
    rowOf('P2', `the same, p99`, late, soon, (ms) => `${Math.round(ms)} ms`),
    costOf('P2', 'the same, CPU of each license', rounds),
  ];
}
