import { AuthorityError } from '@licet/authority';
import { EXIT } from './exit-codes.ts';
import { CliError } from './io.ts';

/** What the person at the keyboard can do something about becomes one line. */
export async function orExplain<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof AuthorityError) {
      const code = error.code === 'TRANSCRIPT_MISMATCH' ? EXIT.no : EXIT.unknown;
      throw new CliError(code, error.code, error.message, { cause: error });
    }
    if (error instanceof Error && 'syscall' in error) {
      throw new CliError(EXIT.noInput, 'NO_INPUT', `A file cannot be read: ${error.message}.`, { cause: error });
    }
    throw error;
  }
}
