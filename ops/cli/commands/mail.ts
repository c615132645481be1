import type { Command } from 'commander';
import { registerGroup } from '../api/command.ts';
import type { CliIo } from '../io.ts';

export function register(program: Command, io: CliIo): void {
  registerGroup(program, io, {
    name: 'mail',
    description: 'who is told by mail',
    verbs: [
      { verb: 'list', operation: 'listMailRecipients' },
      { verb: 'show', operation: 'readMailRecipient' },
      { verb: 'create', operation: 'createMailRecipient' },
      { verb: 'change', operation: 'changeMailRecipient' },
      { verb: 'test', operation: 'testMailRecipient' },
      { verb: 'remove', operation: 'removeMailRecipient', isFinal: true },
    ],
  });
}
