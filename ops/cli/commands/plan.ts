import type { Command } from 'commander';
import { registerGroup } from '../api/command.ts';
import type { CliIo } from '../io.ts';

export function register(program: Command, io: CliIo): void {
  registerGroup(program, io, {
    name: 'plan',
    description: 'templates of contracts',
    verbs: [
      { verb: 'list', operation: 'listPlans' },
      { verb: 'show', operation: 'readPlan' },
      { verb: 'create', operation: 'createPlan' },
      { verb: 'change', operation: 'changePlan' },
      { verb: 'retire', operation: 'retirePlan', isFinal: true },
    ],
  });
}
