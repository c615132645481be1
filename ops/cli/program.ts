import { Command } from 'commander';
import manifest from './package.json' with { type: 'json' };
import type { CliIo } from './io.ts';

type Register = (program: Command, io: CliIo) => void;

/**
 * One line for each command file, by the name of its command; the order is the order of `licet help`. Loaded when it is
 * asked for: all that the others need would double the time that a command of one request takes.
 */
export const COMMANDS: Readonly<Record<string, () => Promise<{ readonly register: Register }>>> = {
  verify: () => import('./commands/verify.ts'),
  inspect: () => import('./commands/inspect.ts'),
  bootstrap: () => import('./commands/bootstrap.ts'),
  context: () => import('./commands/context.ts'),
  organization: () => import('./commands/organization.ts'),
  product: () => import('./commands/product.ts'),
  plan: () => import('./commands/plan.ts'),
  enterprise: () => import('./commands/enterprise.ts'),
  contract: () => import('./commands/contract.ts'),
  site: () => import('./commands/site.ts'),
  enrolment: () => import('./commands/enrolment.ts'),
  license: () => import('./commands/license.ts'),
  statistics: () => import('./commands/statistics.ts'),
  alert: () => import('./commands/alert.ts'),
  webhook: () => import('./commands/webhook.ts'),
  mail: () => import('./commands/mail.ts'),
  token: () => import('./commands/token.ts'),
  user: () => import('./commands/user.ts'),
  provider: () => import('./commands/provider.ts'),
  self: () => import('./commands/self.ts'),
  'trust-rule': () => import('./commands/trust-rule.ts'),
  incident: () => import('./commands/incident.ts'),
  approval: () => import('./commands/approval.ts'),
  config: () => import('./commands/config.ts'),
  audit: () => import('./commands/audit.ts'),
  db: () => import('./commands/db.ts'),
  keys: () => import('./commands/keys.ts'),
  authority: () => import('./commands/authority.ts'),
  reconcile: () => import('./commands/reconcile.ts'),
  ceremony: () => import('./commands/ceremony.ts'),
  completion: () => import('./commands/completion.ts'),
};
/** Says what there is, so it needs them all. */
const COMPLETION = 'completion';

/** The program for these arguments: with the one command that they name, or with all when they name none. */
export async function createProgram(io: CliIo, [name = '']: readonly string[]): Promise<Command> {
  const program = new Command('licet')
    .description('The license authority: ceremony, administration, verification.')
    .version(manifest.version)
    .configureOutput({ writeOut: (text) => io.out(text), writeErr: (text) => io.err(text) })
    .showHelpAfterError('Run with --help to see what is allowed.')
    .exitOverride();
  const isEnough = Object.hasOwn(COMMANDS, name) && name !== COMPLETION;
  const loaders = isEnough ? [COMMANDS[name]!] : Object.values(COMMANDS);
  for (const { register } of await Promise.all(loaders.map((load) => load()))) register(program, io);
  return program;
}
