import type { Command } from 'commander';
import type { CliIo } from '../io.ts';
import { CONFIGURATION, runServerProgram } from '../server-program.ts';

const PROGRAM = '@licet/server/authority-program';

export function register(program: Command, io: CliIo): void {
  const authority = program
    .command('authority')
    .description('The CAs of a server. Stop it first, unless it uses PostgreSQL.');
  authority
    .command('list')
    .description('Every CA with its key, status and end.')
    .argument('[configuration...]', CONFIGURATION)
    .action(async (configuration: string[]) => io.exit(await runServerProgram(PROGRAM, ['list'], configuration, io)));
  authority
    .command('import')
    .description('Takes in the CAs that "licet ceremony … accept" put into the folder of the signer.')
    .option('--crls <folder>', 'what "licet ceremony crl" made of the root; again for another root', collected, [])
    .argument('[configuration...]', CONFIGURATION)
    .action(async (configuration: string[], { crls }: { crls: string[] }) => {
      const flags = ['import', ...crls.flatMap((folder) => ['--crls', folder])];
      io.exit(await runServerProgram(PROGRAM, flags, configuration, io));
    });
  for (const [name, description] of [
    ['rollover', 'Makes a new key beside this one: new certificates come from it, the old one answers for its own.'],
    ['retire', 'Takes the key of a CA that is followed by another out of use for ever.'],
  ] as const) {
    authority
      .command(name)
      .description(description)
      .argument('<key>', 'the key, as "licet authority list" names it')
      .argument('[configuration...]', CONFIGURATION)
      .action(async (key: string, configuration: string[]) => {
        io.exit(await runServerProgram(PROGRAM, [name, key], configuration, io));
      });
  }
  for (const command of authority.commands) command.exitOverride();
}

const collected = (value: string, before: string[]): string[] => [...before, value];
