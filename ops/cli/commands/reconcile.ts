import type { Command } from 'commander';
import type { CliIo } from '../io.ts';
import { CONFIGURATION, runServerProgram } from '../server-program.ts';

export function register(program: Command, io: CliIo): void {
  program
    .command('reconcile')
    .description(
      "Puts back what a restored backup has forgotten and the signer's journal knows. Stop the server first, unless it uses PostgreSQL.",
    )
    .option('--accept-journal', 'the journal was lost for good: count from the present one on')
    .argument('[configuration...]', CONFIGURATION)
    .action(async (configuration: string[], options: { acceptJournal?: boolean }) => {
      const flags = options.acceptJournal === true ? ['--accept-journal'] : [];
      io.exit(await runServerProgram('@licet/server/reconcile-program', flags, configuration, io));
    });
}
