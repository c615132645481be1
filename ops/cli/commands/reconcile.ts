import { type Command, Option } from 'commander';
import type { CliIo } from '../io.ts';
import { CONFIGURATION, runServerProgram } from '../server-program.ts';

export function register(program: Command, io: CliIo): void {
  program
    .command('reconcile')
    .description(
      "Puts back what a restored backup has forgotten and the signer's journal knows. Stop the server first, unless it uses PostgreSQL.",
    )
    .option('--accept-journal', 'the journal was lost for good: count from the present one on')
    .addOption(
      new Option(
        '--accept-clock',
        'the clock was ahead and is right now: have CRLs from the future followed by present ones',
      ).conflicts('acceptJournal'),
    )
    .argument('[configuration...]', CONFIGURATION)
    .action(async (configuration: string[], options: { acceptJournal?: boolean; acceptClock?: boolean }) => {
      const flags = [
        ...(options.acceptJournal === true ? ['--accept-journal'] : []),
        ...(options.acceptClock === true ? ['--accept-clock'] : []),
      ];
      io.exit(await runServerProgram('@licet/server/reconcile-program', flags, configuration, io));
    });
}
