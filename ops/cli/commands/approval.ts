import type { Command } from 'commander';
import { registerGroup } from '../api/command.ts';
import type { CliIo } from '../io.ts';

export function register(program: Command, io: CliIo): void {
  registerGroup(program, io, {
    name: 'approval',
    description: 'what waits for a second person',
    verbs: [
      { verb: 'list', operation: 'listApprovals' },
      { verb: 'approve', operation: 'approveApproval' },
      { verb: 'decline', operation: 'declineApproval' },
    ],
  });
}
