import type { Command } from 'commander';
import { registerGroup } from '../api/command.ts';
import type { CliIo } from '../io.ts';

export function register(program: Command, io: CliIo): void {
  registerGroup(program, io, {
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
}
