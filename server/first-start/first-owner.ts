import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AccessDeps } from '../licensing/access/ports.ts';
import { createFirstOwner } from '../licensing/access/tokens.ts';

/**
 * A server that has a CA lets its owner in, as long as it has none: by a token that is kept in a file for its owner alone,
 * and shown where a person started the server, since a log must not hold it. Undefined: somebody is in already.
 */
export async function letFirstOwnerIn(
  deps: AccessDeps,
  organization: string,
  folder: string,
): Promise<string | undefined> {
  const file = join(folder, 'owner.token');
  const made = await deps.transactions.run({ organization }, async (tx) => {
    const first = await createFirstOwner(deps, tx, organization);
    if (first === undefined) return undefined;
    // Before the commit: a token that nobody can read would keep everybody out for ever.
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(file, `${first.secret}\n`, { mode: 0o600, flush: true });
    return first;
  });
  return made?.secret;
}
