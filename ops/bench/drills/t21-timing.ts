import { randomBytes } from 'node:crypto';
import { timingPairs, type TimingPair } from '@licet/server/test-timing';
import type { Row } from '../row.ts';

const SAMPLES = 20_000;
const WARM_UP = 2000;
/** Welch's t beyond which a difference is taken for real, as side-channel tests have it. */
const MOST_T = 4.5;
/** The slowest tenth is the garbage collector and the neighbours of this machine. */
const KEPT = 0.9;

/** T21: what must not be told apart by its time, in random order, in process: closer than any network lets one look. */
export async function run(): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const pair of await timingPairs()) {
    const t = await measured(pair);
    rows.push({
      id: 'T21',
      what: `Welch's t of 2 × ${SAMPLES.toLocaleString('en')}: ${pair.what}`,
      bar: `< ${MOST_T}`,
      figure: t.toFixed(2),
      pass: t < MOST_T,
    });
  }
  return rows;
}

async function measured({ one, other }: TimingPair): Promise<number> {
  const times: [number[], number[]] = [[], []];
  const coins = randomBytes(2 * (WARM_UP + SAMPLES));
  for (const [at, coin] of coins.entries()) {
    const side = (coin & 1) as 0 | 1;
    const began = process.hrtime.bigint();
    await (side === 0 ? one : other)();
    const took = Number(process.hrtime.bigint() - began);
    if (at >= 2 * WARM_UP) times[side].push(took);
  }
  return welch(cropped(times[0]), cropped(times[1]));
}

const cropped = (values: readonly number[]): number[] =>
  values.toSorted((a, b) => a - b).slice(0, Math.floor(values.length * KEPT));

function welch(a: readonly number[], b: readonly number[]): number {
  const [one, other] = [momentsOf(a), momentsOf(b)];
  return Math.abs(one.mean - other.mean) / Math.sqrt(one.variance / a.length + other.variance / b.length);
}

function momentsOf(values: readonly number[]): { readonly mean: number; readonly variance: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return { mean, variance };
}
