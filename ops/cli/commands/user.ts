import type { Command } from 'commander';
import { registerGroup } from '../api/command.ts';
import { EXIT } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { CONFIGURATION, emailBefore, runServerProgram } from '../server-program.ts';

export function register(program: Command, io: CliIo): void {
  const group = registerGroup(program, io, {
    name: 'user',
    description: 'the people of the organization',
    verbs: [
      { verb: 'list', operation: 'listPeople' },
      { verb: 'invite', operation: 'invitePerson' },
      { verb: 'invite-again', operation: 'invitePersonAgain' },
      { verb: 'change', operation: 'changePerson' },
      { verb: 'data', operation: 'exportPerson' },
      { verb: 'erase', operation: 'erasePerson', isFinal: true },
    ],
  });
  group
    .command('recover')
    .description(
      'where the server runs: invites an owner again whom no other owner can. Stop the server first, unless it uses PostgreSQL.',
    )
    .argument('<email>', 'of the owner', emailBefore)
    .argument('[configuration...]', CONFIGURATION)
    .exitOverride()
    .action(async (email: string, configuration: string[]) => {
      const code = await runServerProgram('@licet/server/people-program', ['recover', email], configuration, io);
      if (code === EXIT.ok) io.err('For this owner alone, for seven days. Next: licet self accept-invitation');
      io.exit(code);
    });
}
