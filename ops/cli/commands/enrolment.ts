import type { Command } from 'commander';
import { registerGroup } from '../api/command.ts';
import type { CliIo } from '../io.ts';

export function register(program: Command, io: CliIo): void {
  registerGroup(program, io, {
    name: 'enrolment',
    description: 'enrolment tokens, and what waits for approval (to make one: licet site kit)',
    verbs: [
      { verb: 'list', operation: 'listEnrolments' },
      { verb: 'show', operation: 'readEnrolment' },
      { verb: 'approve', operation: 'approveEnrolment' },
      { verb: 'decline', operation: 'declineEnrolment', isFinal: true },
      { verb: 'withdraw', operation: 'withdrawEnrolment', isFinal: true },
    ],
  });
}
