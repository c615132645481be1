import { CommanderError } from 'commander';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { CliError, systemIo } from './io.ts';
import { createProgram } from './program.ts';

/** Runs one command line. Never throws: what goes wrong becomes a sentence and an exit code. */
export async function main(args: readonly string[]): Promise<ExitCode> {
  const io = systemIo();
  try {
    await (await createProgram(io, args)).parseAsync(args, { from: 'user' });
    return io.exitCode();
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (error instanceof CliError) {
      io.err(`licet: ${error.message} [${error.code}]`);
      return error.exitCode;
    }
    io.err(
      `licet: this is a defect in licet, please report it: ${error instanceof Error ? error.stack : String(error)}`,
    );
    return EXIT.internal;
  }
}
