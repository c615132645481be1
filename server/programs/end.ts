import { AuthorityError } from '@licet/authority';
import { LicetError } from '../licensing/errors.ts';
import { startFailure } from '../start-error.ts';

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Runs a program; a refusal is one sentence with its code and exit 1, what cannot start has the exit code of the start. */
export async function runToEnd(main: (argv: readonly string[]) => Promise<void>): Promise<void> {
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    const { message, exitCode, isForeseen } = startFailure(error);
    const isRefusal = error instanceof LicetError || error instanceof AuthorityError;
    process.stderr.write(`licet: ${isForeseen || !isRefusal ? message : `${error.message} [${error.code}]`}\n`);
    process.exitCode = isRefusal ? 1 : exitCode;
  }
}
