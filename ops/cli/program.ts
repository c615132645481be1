import { Command } from 'commander';
import { register as bootstrap } from './commands/bootstrap.ts';
import { register as completion } from './commands/completion.ts';
import { register as config } from './commands/config.ts';
import { register as context } from './commands/context.ts';
import { register as contract } from './commands/contract.ts';
import { register as enterprise } from './commands/enterprise.ts';
import { register as organization } from './commands/organization.ts';
import { register as plan } from './commands/plan.ts';
import { register as product } from './commands/product.ts';
import { register as site } from './commands/site.ts';
import { register as alert } from './commands/alert.ts';
import { register as webhook } from './commands/webhook.ts';
import { register as mail } from './commands/mail.ts';
import { register as enrolment } from './commands/enrolment.ts';
import { register as license } from './commands/license.ts';
import { register as statistics } from './commands/statistics.ts';
import { register as approval } from './commands/approval.ts';
import { register as incident } from './commands/incident.ts';
import { register as provider } from './commands/provider.ts';
import { register as self } from './commands/self.ts';
import { register as trustRule } from './commands/trust-rule.ts';
import { register as user } from './commands/user.ts';
import { register as token } from './commands/token.ts';
import { register as audit } from './commands/audit.ts';
import { register as db } from './commands/db.ts';
import { register as ceremony } from './commands/ceremony.ts';
import { register as keys } from './commands/keys.ts';
import { register as inspect } from './commands/inspect.ts';
import { register as authority } from './commands/authority.ts';
import { register as reconcile } from './commands/reconcile.ts';
import { register as verify } from './commands/verify.ts';
import manifest from './package.json' with { type: 'json' };
import type { CliIo } from './io.ts';

type Register = (program: Command, io: CliIo) => void;

/** One line for each command file; the order is the order of `licet help`. */
const COMMANDS: readonly Register[] = [
  verify,
  inspect,
  bootstrap,
  context,
  organization,
  product,
  plan,
  enterprise,
  contract,
  site,
  enrolment,
  license,
  statistics,
  alert,
  webhook,
  mail,
  token,
  user,
  provider,
  self,
  trustRule,
  incident,
  approval,
  config,
  audit,
  db,
  keys,
  authority,
  reconcile,
  ceremony,
  completion,
];

export function createProgram(io: CliIo): Command {
  const program = new Command('licet')
    .description('The license authority: ceremony, administration, verification.')
    .version(manifest.version)
    .configureOutput({ writeOut: (text) => io.out(text), writeErr: (text) => io.err(text) })
    .showHelpAfterError('Run with --help to see what is allowed.')
    .exitOverride();
  for (const register of COMMANDS) register(program, io);
  return program;
}
