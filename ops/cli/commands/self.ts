import type { Command } from 'commander';
import { registerGroup } from '../api/command.ts';
import type { CliIo } from '../io.ts';
import { registerSignIn } from './sign-in.ts';

export function register(program: Command, io: CliIo): void {
  const group = registerGroup(program, io, {
    name: 'self',
    description: 'who one is to the server',
    verbs: [
      { verb: 'show', operation: 'readSelf' },
      { verb: 'second-factor', operation: 'beginSecondFactor' },
      { verb: 'confirm-second-factor', operation: 'confirmSecondFactor' },
      { verb: 'remove-second-factor', operation: 'removeSecondFactor' },
    ],
  });
  registerSignIn(group, io);
}
