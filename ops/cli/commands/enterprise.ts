import type { Command } from 'commander';
import { registerGroup } from '../api/command.ts';
import type { CliIo } from '../io.ts';

export function register(program: Command, io: CliIo): void {
  registerGroup(program, io, {
    name: 'enterprise',
    description: 'the customers of the organization',
    verbs: [
      { verb: 'list', operation: 'listEnterprises' },
      { verb: 'show', operation: 'readEnterprise' },
      { verb: 'create', operation: 'createEnterprise' },
      { verb: 'change', operation: 'changeEnterprise' },
      { verb: 'suspend', operation: 'suspendEnterprise' },
      { verb: 'reinstate', operation: 'reinstateEnterprise' },
      { verb: 'close', operation: 'closeEnterprise', isFinal: true },
    ],
  });
}
