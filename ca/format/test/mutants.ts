import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toHex, type Bytes } from '@licet/format';
import { mutate, randomFrom } from './mutator.ts';
import { judge, PARSERS, type Parser } from './oracle.ts';

const FOLDER = join(import.meta.dirname, 'seeds');

/** The saved inputs. The name of a file begins with the parser that must accept it. */
export const SEEDS: readonly { readonly parser: Parser; readonly name: string; readonly bytes: Bytes }[] = readdirSync(
  FOLDER,
).map((file) => {
  const parser = PARSERS.find(({ name }) => file.startsWith(`${name}-`));
  if (parser === undefined) throw new Error(`seeds/${file} names no parser`);
  return { parser, name: file, bytes: new Uint8Array(readFileSync(join(FOLDER, file))) };
});

export type MutantReport = {
  readonly inputs: number;
  readonly accepted: number;
  readonly slowest: number;
  /** The first few; each has the input that shows it. */
  readonly problems: readonly string[];
};

const MAX_PROBLEMS = 20;

// What takes longer is measured again, several times: on a shared machine any input may have been interrupted.
const SUSPICIOUS_MS = 20;

function timeOf(act: () => unknown, now: () => number): number {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 5 && best > SUSPICIOUS_MS; i += 1) {
    const before = now();
    act();
    best = Math.min(best, now() - before);
  }
  return best;
}

/** Runs `inputs` mutants, the same ones for the same `seed`. `now` is a clock in milliseconds, to find stalls. */
export function runMutants(inputs: number, seed: number, now: () => number): MutantReport {
  const random = randomFrom(seed);
  const problems: string[] = [];
  let accepted = 0;
  let slowest = 0;
  for (let i = 0; i < inputs; i += 1) {
    const { parser, name, bytes } = SEEDS[i % SEEDS.length]!;
    const input = mutate(bytes, SEEDS[random(SEEDS.length)]!.bytes, random);
    let verdict = { problem: undefined as string | undefined, accepted: false };
    const judgeIt = (): void => {
      verdict = judge(parser, input);
    };
    slowest = Math.max(slowest, timeOf(judgeIt, now));
    if (verdict.accepted) accepted += 1;
    if (verdict.problem !== undefined && problems.length < MAX_PROBLEMS) {
      problems.push(`${name}, input ${i} of seed ${seed}: ${verdict.problem}: ${toHex(input)}`);
    }
  }
  return { inputs, accepted, slowest, problems };
}
