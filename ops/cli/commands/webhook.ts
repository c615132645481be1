import type { Command } from 'commander';
import { registerGroup } from '../api/command.ts';
import type { CliIo } from '../io.ts';

export function register(program: Command, io: CliIo): void {
  registerGroup(program, io, {
    name: 'webhook',
    description: 'addresses that events are sent to',
    verbs: [
      { verb: 'list', operation: 'listWebhooks' },
      { verb: 'show', operation: 'readWebhook' },
      { verb: 'create', operation: 'createWebhook' },
      { verb: 'change', operation: 'changeWebhook' },
      { verb: 'rotate', operation: 'rotateWebhook' },
      { verb: 'test', operation: 'testWebhook' },
      { verb: 'enable', operation: 'enableWebhook' },
      { verb: 'disable', operation: 'disableWebhook' },
      { verb: 'remove', operation: 'removeWebhook', isFinal: true },
      { verb: 'deliveries', operation: 'listDeliveries' },
      { verb: 'replay', operation: 'replayDelivery' },
      { verb: 'replay-dead', operation: 'replayDeadLetters' },
      { verb: 'discard', operation: 'discardDelivery', isFinal: true },
    ],
  });
}
