import type { Command } from 'commander';
import { registerGroup } from '../api/command.ts';
import type { CliIo } from '../io.ts';

export function register(program: Command, io: CliIo): void {
  registerGroup(program, io, {
    name: 'provider',
    description: 'the OpenID Connect providers that people sign in by',
    verbs: [
      { verb: 'list', operation: 'listProviders' },
      { verb: 'add', operation: 'addProvider' },
      { verb: 'remove', operation: 'removeProvider', isFinal: true },
    ],
  });
}
