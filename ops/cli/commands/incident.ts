import type { Command } from 'commander';
import { registerGroup } from '../api/command.ts';
import type { CliIo } from '../io.ts';

export function register(program: Command, io: CliIo): void {
  registerGroup(program, io, {
    name: 'incident',
    description: 'sets of licenses that are to be renewed now',
    verbs: [
      { verb: 'list', operation: 'listRenewalIncidents' },
      { verb: 'show', operation: 'readRenewalIncident' },
      { verb: 'declare', operation: 'declareRenewalIncident' },
      { verb: 'lift', operation: 'liftRenewalIncident' },
    ],
  });
}
