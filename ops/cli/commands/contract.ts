import type { Command } from 'commander';
import { registerBulk } from '../api/bulk.ts';
import { registerGroup } from '../api/command.ts';
import type { CliIo } from '../io.ts';

export function register(program: Command, io: CliIo): void {
  const group = registerGroup(program, io, {
    name: 'contract',
    description: 'what enterprises have bought',
    verbs: [
      { verb: 'list', operation: 'listContracts' },
      { verb: 'show', operation: 'readContract' },
      { verb: 'create', operation: 'createContract' },
      { verb: 'change', operation: 'changeContract' },
      { verb: 'preview', operation: 'previewSite' },
      { verb: 'activate', operation: 'activateContract' },
      { verb: 'suspend', operation: 'suspendContract' },
      { verb: 'reinstate', operation: 'reinstateContract' },
      { verb: 'delegate', operation: 'delegateContract' },
      { verb: 'undelegate', operation: 'revokeDelegated', isFinal: true },
      { verb: 'end', operation: 'endContract', isFinal: true },
    ],
  });
  registerBulk(group, io, 'contract');
}
