import { systemClock as clock } from '../clock.ts';
import { EXIT_CODES } from '../config/exit-codes.ts';
import { loadConfig } from '../config/index.ts';
import { existingDatabase } from '../database-options.ts';
import { recoverOwner } from '../licensing/access/people.ts';
import { accessStores } from '../persistence/access/index.ts';
import { auditLog } from '../persistence/audit-log.ts';
import { openDatabase } from '../persistence/database.ts';
import { stores } from '../persistence/licensing/stores.ts';
import { outbox } from '../persistence/outbox.ts';
import { systemRandom as random } from '../random.ts';
import { StartError } from '../start-error.ts';
import { splitArguments } from './backstage.ts';
import { print, runToEnd } from './end.ts';
import { log } from './log.ts';

// `licet user recover`: an owner whom nobody else may let in sets a new password.
//
//   node people.ts recover EMAIL [-- CONFIGURATION]
const USAGE = 'usage: people recover EMAIL [-- CONFIGURATION]';

async function main(argv: readonly string[]): Promise<void> {
  const { own, configuration } = splitArguments(argv);
  const [command, email, ...more] = own;
  if (command !== 'recover' || email === undefined || more.length > 0) {
    throw new StartError(EXIT_CODES.configuration.code, USAGE);
  }
  const { config } = await loadConfig({ argv: configuration, env: process.env, directory: process.cwd() });
  const { organization } = config.authority;
  const transactions = await openDatabase(existingDatabase(config), { clock, random, log });
  try {
    const { organizations } = stores;
    const deps = { transactions, clock, random, auditLog, outbox, organizations, stores: accessStores };
    const { invitation } = await transactions.run({ organization }, (tx) =>
      recoverOwner(deps, tx, organization, email),
    );
    print(invitation);
  } finally {
    await transactions.close();
  }
}

await runToEnd(main);
