import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

/** The same work again and again, on changing input: `call(0)`, `call(1)` and so on. */
export type Pair = {
  /** The cryptography alone, as it stands in `work`. */
  readonly bare: (turn: number) => unknown;
  readonly work: (turn: number) => unknown;
};

/** Of each round, calls per second of both. */
export type Rates = { readonly bare: number; readonly work: number };

const ROUNDS = 5;
const SLICES = 12;
/** Long enough that each holds a collection of garbage or more. */
const SLICE_MS = 60;
/** On a busy machine V8 is still compiling after two seconds, in a thread whose time is counted. */
const WARM_UP_MS = 5_000;

/**
 * Measures one pair of a file that calls `answerWith`. In a thread of its own: with one heap for all, whoever runs after
 * a library that leaves much garbage behind pays for it, and compiled code is slower for having met the objects of others.
 */
export function beside(file: string, name: string): Promise<readonly Rates[]> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(file, { workerData: name });
    worker.once('message', resolve).once('error', reject);
    worker.once('exit', (code) => reject(new Error(`the thread ended with ${code} and said nothing`)));
  });
}

/** The side of the thread; does nothing where the file is only imported. */
export async function answerWith(pairs: Readonly<Record<string, () => Pair | Promise<Pair>>>): Promise<void> {
  if (isMainThread) return;
  const pair = await pairs[String(workerData)]!();
  await slice(pair.bare, WARM_UP_MS);
  await slice(pair.work, WARM_UP_MS);
  const rates: Rates[] = [];
  for (let round = 0; round < ROUNDS; round += 1) rates.push(await oneRound(pair));
  parentPort?.postMessage(rates, []);
}

/** They take turns, so that a busy moment of the machine meets both. */
async function oneRound({ bare, work }: Pair): Promise<Rates> {
  const sums = { bare: { calls: 0, micros: 0 }, work: { calls: 0, micros: 0 } };
  for (let i = 0; i < SLICES; i += 1) {
    add(sums.bare, await slice(bare, SLICE_MS));
    add(sums.work, await slice(work, SLICE_MS));
  }
  return { bare: rateOf(sums.bare), work: rateOf(sums.work) };
}

type Sum = { calls: number; micros: number };

function add(sum: Sum, { calls, micros }: Readonly<Sum>): void {
  sum.calls += calls;
  sum.micros += micros;
}

const rateOf = ({ calls, micros }: Readonly<Sum>) => (calls * 1e6) / micros;

let turn = 0;

/** In CPU time of the process, collection of garbage and threads of WebCrypto included; that of the clock says who else was running. */
async function slice(call: (turn: number) => unknown, ms: number): Promise<Readonly<Sum>> {
  const start = performance.now();
  const before = process.cpuUsage();
  let calls = 0;
  while (performance.now() - start < ms) {
    for (let i = 0; i < 10; i += 1) {
      // Waits only for what is a promise: some have none.
      const result = call((turn += 1));
      if (result instanceof Promise) await result;
    }
    calls += 10;
  }
  const { user, system } = process.cpuUsage(before);
  return { calls, micros: user + system };
}

/** The share of the bare cryptography: the lowest, the middle and the highest of the rounds, and the middle rate. */
export function share(rounds: readonly Rates[]): { least: number; middle: number; most: number; rate: number } {
  const sorted = rounds.map(({ bare, work }) => work / bare).toSorted((a, b) => a - b);
  const rates = rounds.map(({ work }) => work).toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return { least: sorted[0]!, middle: sorted[half]!, most: sorted.at(-1)!, rate: rates[half]! };
}

export function percent(ratio: number): string {
  return `${(ratio * 100).toFixed(1)} %`;
}
