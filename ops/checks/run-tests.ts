import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const REPORTER = join(import.meta.dirname, 'reporter.ts');
/** Two workers for two cores; more only makes the time-outs of the others fire. */
const JOBS = 2;
/** A hang is a failure. Tests that may take longer say so themselves. */
const TIMEOUT_MS = 20_000;
/** Where Debian keeps programs, nginx among them, that are not on everyone's PATH. */
const ADMINISTRATORS_PATHS = ['/usr/sbin', '/usr/local/sbin'];
const LONG = /durability|folder\.test|process\.test|api\/generated|cli\/test\/(?:ceremony|key-places)/;

/**
 * `npm test [-- [--shuffle[=SEED]] [--serial] PART…]`: the whole suite, or the files whose path contains a PART.
 * Files are run in a fixed order unless shuffled; a shuffled run prints the seed that repeats it.
 */
export function runTests(args: readonly string[]): number {
  const parts = args.filter((arg) => !arg.startsWith('--'));
  const files = globSync('{ca,server,ops}/**/test/**/*.test.ts', { cwd: ROOT, exclude: ['**/node_modules/**'] })
    .sort()
    .filter((file) => parts.length === 0 || parts.some((part) => file.includes(part)));
  if (files.length === 0) {
    process.stderr.write(`No test file matches ${parts.join(', ')}\n`);
    return 1;
  }
  const shuffle = args.find((arg) => arg === '--shuffle' || arg.startsWith('--shuffle='));
  const ordered = shuffle === undefined ? longestFirst(files) : shuffled(files, seedOf(shuffle));
  const mocha = createRequire(import.meta.url).resolve('mocha/bin/mocha.js');
  const mode = args.includes('--serial') ? [] : ['--parallel', '--jobs', String(JOBS)];
  const fixed = ['--no-config', '--reporter', REPORTER, '--timeout', String(TIMEOUT_MS), '--forbid-only', '--exit'];
  const env = { ...process.env, PATH: [process.env['PATH'] ?? '', ...ADMINISTRATORS_PATHS].join(':') };
  const run = spawnSync(process.execPath, [mocha, ...fixed, ...mode, ...ordered], { cwd: ROOT, stdio: 'inherit', env });
  return run.status ?? 1;
}

/** The files of a minute begin at once, so that the run does not end with one worker waiting for the other. */
function longestFirst(files: readonly string[]): string[] {
  const isLong = (file: string): number => (LONG.test(file) ? 0 : 1);
  return files.toSorted((a, b) => isLong(a) - isLong(b));
}

function seedOf(argument: string): number {
  const given = argument.split('=')[1];
  const seed = given === undefined ? process.pid : Number(given);
  process.stdout.write(`Shuffled with seed ${seed}: repeat with npm test -- --shuffle=${seed}\n`);
  return seed;
}

/** Fisher and Yates, driven by a 32-bit linear congruential generator: only repeatability is asked of it. */
function shuffled<T>(items: readonly T[], seed: number): T[] {
  const result = [...items];
  let state = seed >>> 0;
  for (let last = result.length - 1; last > 0; last--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const other = state % (last + 1);
    [result[last], result[other]] = [result[other] as T, result[last] as T];
  }
  return result;
}
