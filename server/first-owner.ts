import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AccessDeps } from './licensing/access/ports.ts';
import { createFirstOwner } from './licensing/access/tokens.ts';

/**
 * An evaluation lets its owner in: once, by a token that is shown and kept in a file for its owner alone, since a log must
 * not hold it. Undefined: somebody is in already.
 */
export async function letFirstOwnerIn(
  deps: AccessDeps,
  organization: string,
  folder: string,
): Promise<string | undefined> {
  const file = join(folder, 'owner.token');
  const made = await deps.transactions.run({ organization }, async (tx) => {
    const first = await createFirstOwner(deps, tx, organization);
    // Before the commit: a token that nobody can read would keep everybody out for ever.
    if (first !== undefined) writeFileSync(file, `${first.secret}\n`, { mode: 0o600, flush: true });
    return first;
  });
  return made?.secret;
}
