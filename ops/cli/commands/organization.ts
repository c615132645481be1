import type { Command } from 'commander';
import { registerGroup } from '../api/command.ts';
import type { CliIo } from '../io.ts';

export function register(program: Command, io: CliIo): void {
  registerGroup(program, io, {
    name: 'organization',
    description: 'the organization itself and its settings',
    verbs: [
      { verb: 'show', operation: 'readOrganization' },
      { verb: 'change', operation: 'changeOrganization' },
    ],
  });
}
