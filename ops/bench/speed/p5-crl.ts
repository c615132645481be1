import { fork } from 'node:child_process';
import { once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { decodeCertificateList } from '@licet/format';
import { makeSerials, openWorkplace, type Workplace } from '../revocation-shop.ts';
import type { Row } from '../row.ts';

const ROUNDS = 3;
/** No round begins after this: a busy machine makes fewer of them, and at least one. */
const MOST_MS = 30_000;
const SIZES = [
  { entries: 100_000, seconds: 1 },
  { entries: 1_000_000, seconds: 10 },
];
const MOST_MEGABYTES = 300;
const MOST_DELAY_MS = 50;
const MOST_READ_SECONDS = 0.3;

const CODE_CACHE = new URL('../../../compile-cache.js', import.meta.url).href;

type Round = { readonly seconds: number; readonly megabytes: number; readonly delayMs: number };

/** In a process of its own, with the memory settings and the cache of code that the server gives itself (`server/start.js`). */
export async function run(): Promise<readonly Row[]> {
  const child = fork(import.meta.filename, ['measure'], {
    execArgv: ['--max-semi-space-size=4', '--initial-old-space-size=40', '--import', CODE_CACHE],
    env: { ...process.env, MALLOC_ARENA_MAX: '1' },
  });
  const ended = once(child, 'exit').then(() => {
    throw new Error('The process that was measured has ended.');
  });
  const [rows] = (await Promise.race([once(child, 'message'), ended])) as [readonly Row[]];
  return rows;
}

/**
 * P5: from the rows of PostgreSQL to a CRL that is signed, read back, compared with the one before, and stored, in the
 * process that answers requests meanwhile. Each round but the first compares with a CRL as large as itself.
 */
async function measured(): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const { entries, seconds } of SIZES) {
    const workplace = await openWorkplace(1);
    try {
      await makeSerials(workplace, workplace.shop.enterprise.key, entries, true);
      await publishOnce(workplace);
      const rounds: Round[] = [];
      const start = performance.now();
      do rounds.push(await publishOnce(workplace));
      while (rounds.length < ROUNDS && performance.now() - start < MOST_MS);
      rows.push(...rowsOf(entries, seconds, rounds));
      if (entries === SIZES[0]!.entries) rows.push(await readRow(workplace));
    } finally {
      await workplace.close();
    }
  }
  return rows;
}

async function publishOnce({ shop }: Workplace): Promise<Round> {
  await shop.database.dataSource.query('update revocation_changes set last = last + 1');
  shop.now = new Date(Math.max(Date.now(), shop.now.getTime()) + 13 * 3600_000);
  globalThis.gc?.();
  const delay = monitorEventLoopDelay({ resolution: 5 });
  let most = 0;
  const watch = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 10);
  delay.enable();
  const start = performance.now();
  const { published, refused } = await shop.publish();
  const seconds = (performance.now() - start) / 1000;
  delay.disable();
  clearInterval(watch);
  if (published === 0 || refused > 0) throw new Error(`nothing was published: ${JSON.stringify(shop.events.at(-1))}`);
  return { seconds, megabytes: most / 2 ** 20, delayMs: delay.percentile(99) / 1e6 };
}

function rowsOf(entries: number, bar: number, rounds: readonly Round[]): Row[] {
  const row = (what: string, unit: string, most: number, of: (round: Round) => number): Row => {
    const values = rounds.map(of).toSorted((a, b) => a - b);
    const shown = (value: number) => `${value.toFixed(unit === 's' ? 2 : 0)} ${unit}`;
    const middle = values[values.length >> 1]!;
    const spread = `${shown(values[0]!)} to ${shown(values.at(-1)!)}`;
    const title = `CRL of ${entries.toLocaleString('en')}: ${what}`;
    return { id: 'P5', what: title, bar: `≤ ${most} ${unit}`, figure: shown(middle), spread, pass: middle <= most };
  };
  return [
    row('read rows, build, sign, prove, compare, store', 's', bar, ({ seconds }) => seconds),
    row('memory of the process at its highest', 'MB', MOST_MEGABYTES, ({ megabytes }) => megabytes),
    row('delay of the event loop meanwhile, p99', 'ms', MOST_DELAY_MS, ({ delayMs }) => delayMs),
  ];
}

async function readRow({ shop }: Workplace): Promise<Row> {
  const crl = (await shop.store.published({ issuer: shop.enterprise.key, shard: 0 }))!;
  const parts: Uint8Array[] = [];
  for await (const part of shop.store.parts(crl)) parts.push(part);
  const der = Buffer.concat(parts);
  const times = Array.from({ length: ROUNDS }, () => {
    const start = performance.now();
    if (decodeCertificateList(der).entryCount !== crl.entries) throw new Error('entries were lost');
    return (performance.now() - start) / 1000;
  }).toSorted((a, b) => a - b);
  const shown = (value: number) => `${value.toFixed(3)} s`;
  const middle = times[ROUNDS >> 1]!;
  const bar = `≤ ${MOST_READ_SECONDS} s`;
  const spread = `${shown(times[0]!)} to ${shown(times.at(-1)!)}`;
  return {
    id: 'P5',
    what: 'read a CRL of 100,000',
    bar,
    figure: shown(middle),
    spread,
    pass: middle <= MOST_READ_SECONDS,
  };
}

if (process.argv[2] === 'measure' && process.argv[1] === import.meta.filename) {
  process.send?.(await measured());
  process.disconnect();
}
