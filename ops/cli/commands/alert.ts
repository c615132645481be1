import type { Command } from 'commander';
import { registerGroup } from '../api/command.ts';
import type { CliIo } from '../io.ts';

export function register(program: Command, io: CliIo): void {
  registerGroup(program, io, {
    name: 'alert',
    description: 'troubles that somebody has to look at',
    verbs: [
      { verb: 'list', operation: 'listAlerts' },
      { verb: 'show', operation: 'readAlert' },
      { verb: 'report', operation: 'reportAlert' },
      { verb: 'acknowledge', operation: 'acknowledgeAlert' },
      { verb: 'resolve', operation: 'resolveAlert' },
    ],
  });
}
