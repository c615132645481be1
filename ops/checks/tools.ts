import { spawnSync } from 'node:child_process';

/** Set by `.ci/run`: there every tool is installed, so a missing one is a failure and not a skip. */
const REQUIRE_ALL = process.env['LICET_REQUIRE_ALL'] === '1';

export function hasTool(name: string): boolean {
  return spawnSync('sh', ['-c', 'command -v "$0"', name]).status === 0;
}

/** Skips the current test or suite, loudly, unless every named tool is on this machine. */
export function requireTool(context: Mocha.Context, ...names: string[]): void {
  requireThat(
    context,
    names.filter((name) => !hasTool(name)).map((name) => `the program "${name}"`),
  );
}

/** The same for anything else that a machine may lack; `missing` says what, and is empty when nothing is. */
export function requireThat(context: Mocha.Context, missing: readonly string[]): void {
  if (missing.length === 0) return;
  const reason = `needs ${missing.join(', ')}`;
  if (REQUIRE_ALL) throw new Error(`LICET_REQUIRE_ALL is set and this test ${reason}`);
  process.stderr.write(`SKIPPED: ${context.runnable().parent?.fullTitle() ?? ''}: ${reason}\n`);
  context.skip();
}
