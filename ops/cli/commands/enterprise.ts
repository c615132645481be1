import type { Command } from 'commander';
import { download, registerBulk } from '../api/bulk.ts';
import { registerGroup } from '../api/command.ts';
import type { CliIo } from '../io.ts';

export function register(program: Command, io: CliIo): void {
  const group = registerGroup(program, io, {
    name: 'enterprise',
    description: 'the customers of the organization',
    verbs: [
      { verb: 'list', operation: 'listEnterprises' },
      { verb: 'show', operation: 'readEnterprise' },
      { verb: 'create', operation: 'createEnterprise' },
      { verb: 'change', operation: 'changeEnterprise' },
      { verb: 'suspend', operation: 'suspendEnterprise' },
      {
        verb: 'hold',
        operation: 'holdEnterprise',
        warning: 'stops all its sites at once, until it is reinstated',
      },
      { verb: 'reinstate', operation: 'reinstateEnterprise' },
      { verb: 'revoke', operation: 'revokeEnterprise', isFinal: true },
      { verb: 'close', operation: 'closeEnterprise', isFinal: true },
      { verb: 'erase', operation: 'eraseEnterprise', isFinal: true },
    ],
  });
  registerBulk(group, io, 'enterprise');
  group
    .command('data')
    .argument('<id>')
    .description('All that is kept about an enterprise, as lines of JSON')
    .option('--out <file>', 'write to a file instead of standard output')
    .option('--context <name>', 'another server than the current one')
    .exitOverride()
    .action((id: string, options: { out?: string; context?: string }) =>
      download(io, `/api/v1/enterprises/${encodeURIComponent(id)}/export`, options),
    );
}
