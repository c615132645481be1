import type { Command } from 'commander';
import { registerGroup } from '../api/command.ts';
import type { CliIo } from '../io.ts';

export function register(program: Command, io: CliIo): void {
  registerGroup(program, io, {
    name: 'trust-rule',
    description: 'whose builds and workloads get licenses',
    verbs: [
      { verb: 'list', operation: 'listTrustRules' },
      { verb: 'create', operation: 'createTrustRule' },
      { verb: 'switch', operation: 'switchTrustRule' },
    ],
  });
}
