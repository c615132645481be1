import type { Command } from 'commander';
import { registerBulk } from '../api/bulk.ts';
import { registerGroup } from '../api/command.ts';
import type { CliIo } from '../io.ts';
import { registerKit } from './site-kit.ts';

export function register(program: Command, io: CliIo): void {
  const group = registerGroup(program, io, {
    name: 'site',
    description: 'installations at enterprises, and their licenses',
    verbs: [
      { verb: 'list', operation: 'listSites' },
      { verb: 'show', operation: 'readSite' },
      { verb: 'create', operation: 'createSite' },
      { verb: 'change', operation: 'updateSite' },
      { verb: 'suspend', operation: 'updateSite', says: { status: 'suspended' }, summary: 'Suspend a site' },
      { verb: 'reinstate', operation: 'updateSite', says: { status: 'active' }, summary: 'Reinstate a site' },
      { verb: 'retire', operation: 'retireSite', isFinal: true },
      { verb: 'forks', operation: 'listForks' },
      { verb: 'survivor', operation: 'chooseSurvivor', isFinal: true },
    ],
  });
  registerKit(group, io);
  registerBulk(group, io, 'site');
}
