import type { Command } from 'commander';
import type { CliIo } from '../io.ts';
import { CONFIGURATION, keyBefore, runServerProgram } from '../server-program.ts';
import { registerEnterprise } from './ceremony.ts';

const KEY = ['<key>', 'the key, as "licet authority list" names it', keyBefore] as const;
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
  authority
    .command('rollover')
    .description('Makes a new key beside this one: new certificates come from it, the old one answers for its own.')
    .argument(...KEY)
    .argument('[configuration...]', CONFIGURATION)
    .action(async (key: string, configuration: string[]) => {
      io.exit(await runServerProgram(PROGRAM, ['rollover', key], configuration, io));
    });
  authority
    .command('retire')
    .description('Revokes a CA that is followed by another, and takes its key out of use for ever.')
    .argument(...KEY)
    .option('--end-live', 'also while certificates below it are still good: they end with it')
    .argument('[configuration...]', CONFIGURATION)
    .action(async (key: string, configuration: string[], { endLive }: { endLive?: boolean }) => {
      const flags = ['retire', key, ...(endLive === true ? ['--end-live'] : [])];
      io.exit(await runServerProgram(PROGRAM, flags, configuration, io));
    });
  registerEnterprise(authority, io);
  for (const command of authority.commands) command.exitOverride();
}

const collected = (value: string, before: string[]): string[] => [...before, value];
