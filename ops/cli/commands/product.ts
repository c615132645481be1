import type { Command } from 'commander';
import { registerGroup } from '../api/command.ts';
import type { CliIo } from '../io.ts';

export function register(program: Command, io: CliIo): void {
  registerGroup(program, io, {
    name: 'product',
    description: 'what the organization sells',
    verbs: [
      { verb: 'list', operation: 'listProducts' },
      { verb: 'show', operation: 'readProduct' },
      { verb: 'create', operation: 'createProduct' },
      { verb: 'change', operation: 'changeProduct' },
      { verb: 'retire', operation: 'retireProduct', isFinal: true },
    ],
  });
}
