import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { InvalidArgumentError } from 'commander';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { CliIo } from './io.ts';

export const CONFIGURATION = 'after --: flags of the server that say where its database is (or licet.yaml, or LICET_…)';

/** What stands behind -- is taken for the argument where that was forgotten. */
const before =
  (what: string) =>
  (text: string): string => {
    if (text.startsWith('-')) throw new InvalidArgumentError(`Name the ${what}, before --.`);
    return text;
  };

export const keyBefore = before('key');
export const emailBefore = before('address');

/** Runs a program of the server's, which alone may know database and signer; its lines and its exit code are passed on. */
export async function runServerProgram(
  name: `@licet/server/${string}`,
  flags: readonly string[],
  configuration: readonly string[],
  io: CliIo,
): Promise<ExitCode> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.resolve(name)), ...flags, '--', ...configuration], {
    env: io.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = once(child, 'close') as Promise<[number | null]>;
  createInterface({ input: child.stderr }).on('line', (line) => io.err(line));
  for await (const line of createInterface({ input: child.stdout })) io.out(line);
  const [code] = await closed;
  return Object.values(EXIT).find((known) => known === code) ?? EXIT.internal;
}
