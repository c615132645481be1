import { runMutants } from '@licet/format/mutants';

const INPUTS = 1_000_000;
const MAX_STALL_MS = 100;
// A chunk is a seed of its own, so that a finding names a run of seconds and not of minutes.
const CHUNK = 50_000;

/** B1: every parser against a million mutants. They are the same in each run: chunk n uses the seed n. */
export async function run(): Promise<{ id: 'B1'; bar: string; figure: string; pass: boolean }> {
  const problems: string[] = [];
  let accepted = 0;
  let slowest = 0;
  for (let chunk = 0; chunk < INPUTS / CHUNK; chunk += 1) {
    const report = runMutants(CHUNK, chunk, () => performance.now());
    problems.push(...report.problems);
    accepted += report.accepted;
    slowest = Math.max(slowest, report.slowest);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const found = problems.length === 0 ? 'no finding' : `${problems.length} findings, the first: ${problems[0]}`;
  return {
    id: 'B1',
    bar: `${INPUTS.toLocaleString('en')} mutants: 0 crashes, 0 stalls > ${MAX_STALL_MS} ms, 0 non-canonical accepted`,
    figure: `${found}; ${accepted.toLocaleString('en')} still valid; slowest ${slowest.toFixed(1)} ms`,
    pass: problems.length === 0 && slowest <= MAX_STALL_MS,
  };
}
