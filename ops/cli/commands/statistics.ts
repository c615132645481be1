import type { Command } from 'commander';
import { registerGroup } from '../api/command.ts';
import type { CliIo } from '../io.ts';

export function register(program: Command, io: CliIo): void {
  registerGroup(program, io, {
    name: 'statistics',
    description: 'sites and users by quarter, enterprise and mode',
    verbs: [
      { verb: 'show', operation: 'readStatistics' },
      { verb: 'report', operation: 'reportStatistics' },
    ],
  });
}
