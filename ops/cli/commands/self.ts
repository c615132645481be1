import type { Command } from 'commander';
import { registerGroup } from '../api/command.ts';
import type { CliIo } from '../io.ts';

export function register(program: Command, io: CliIo): void {
  registerGroup(program, io, {
    name: 'self',
    description: 'who one is to the server',
    verbs: [
      { verb: 'show', operation: 'readSelf' },
      { verb: 'sign-out', operation: 'signOut' },
    ],
  });
}
