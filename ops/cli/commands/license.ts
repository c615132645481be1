import type { Command } from 'commander';
import { registerGroup } from '../api/command.ts';
import type { CliIo } from '../io.ts';

export function register(program: Command, io: CliIo): void {
  registerGroup(program, io, {
    name: 'license',
    description: 'licenses, as the server knows them (offline: licet verify)',
    verbs: [
      { verb: 'validate', operation: 'validateKey' },
      { verb: 'renew', operation: 'refreshKey' },
    ],
  });
}
