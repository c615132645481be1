import { makeFleet } from '../load/fleet.ts';
import { costOf, Fleet, type Measured, rowOf } from '../load/issuing.ts';
import { Shop } from '../load/shop.ts';
import { bareLicensesPerSecond } from '../load/yardstick.ts';
import type { Row } from '../row.ts';

const CLIENTS = 64;
/** Some thousands of each way for each process: until then its compilers are at work, and take half of what there is. */
const WARMING = 4;
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
  return [...(await withServers(2)), ...(await withServers(1))];
}

/** With what the machine was worth beside it: it is another from one minute to the next. */
type Round = Measured & { readonly bare: number };

async function withServers(servers: 1 | 2): Promise<readonly Row[]> {
  const shop = await Shop.open({ servers });
  try {
    const model = await shop.firstLicense('model');
    const fleet = new Fleet(shop, await makeFleet(shop, model, BY_API + (WARMING + ROUNDS) * BY_EST));
    const api: Round[] = [];
    const est: Round[] = [];
    for (let round = 0; round < WARMING + ROUNDS; round++) {
      api.push(await besideBare(() => fleet.renewByApi(CLIENTS, BY_API)));
      est.push(await besideBare(() => fleet.renewByEst(CLIENTS, BY_EST)));
    }
    const rows = [
      ...rowsOf('API keys/refresh', servers, api.slice(WARMING)),
      ...rowsOf('EST simplereenroll, mTLS', servers, est.slice(WARMING)),
      yardstick([...api, ...est]),
    ];
    return servers === 1 ? [...rows, ...(await alone(shop, model))] : rows;
  } finally {
    await shop.close();
  }
}

function yardstick(rounds: readonly Round[]): Row {
  const bare = rounds.map((round) => round.bare);
  const what = 'bare cryptography of licenses, one processor, meanwhile';
  return rowOf('P2', what, bare, { text: '', holds: () => true }, (rate) => `${Math.round(rate)}/s`);
}

async function besideBare(round: () => Promise<Measured>): Promise<Round> {
  const before = bareLicensesPerSecond();
  const measured = await round();
  return { ...measured, bare: (before + bareLicensesPerSecond()) / 2 };
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

/** The rate of the bar was set where one processor does the bare cryptography of 6,000 licenses a second. */
const SHARE = 1500 / 6000;

function rowsOf(way: string, servers: 1 | 2, rounds: readonly Round[]): readonly Row[] {
  const barOf = (text: string, holds: (value: number) => boolean) =>
    servers === 2 ? { text, holds } : { text: '', holds: () => true };
  const perSecond = (rate: number) => `${Math.round(rate)}/s`;
  const percent = (share: number) => `${Math.round(share * 100)} %`;
  const soon = { text: '≤ 250 ms', holds: (ms: number) => ms <= 250 };
  const what = `licenses, ${way}, ${CLIENTS} clients, ${servers === 2 ? 'two servers' : 'one server'}`;
  const rates = rounds.map((round) => round.perSecond);
  const shares = rounds.map((round) => round.perSecond / round.bare);
  const late = rounds.map(({ p99 }) => p99);
  return [
    rowOf(
      'P2',
      what,
      rates,
      barOf('≥ 1,500/s', (rate) => rate >= 1500),
      perSecond,
    ),
    rowOf(
      'P2',
      'the same, share of the bare cryptography',
      shares,
      barOf('≥ 25 %', (share) => share >= SHARE),
      percent,
    ),
    rowOf('P2', 'the same, p99', late, soon, (ms) => `${Math.round(ms)} ms`),
    costOf('P2', 'the same, CPU of each license', rounds),
  ];
}
