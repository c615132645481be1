import type { Command } from 'commander';
import { registerGroup } from '../api/command.ts';
import type { CliIo } from '../io.ts';

export function register(program: Command, io: CliIo): void {
  registerGroup(program, io, {
    name: 'token',
    description: 'API tokens',
    verbs: [
      { verb: 'list', operation: 'listTokens' },
      { verb: 'create', operation: 'createToken' },
      { verb: 'revoke', operation: 'revokeToken', isFinal: true },
    ],
  });
}
