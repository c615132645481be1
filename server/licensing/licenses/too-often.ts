import { LicetError } from '../errors.ts';
import type { Principal } from '../model/principal.ts';
import type { RenewalCase } from '../ports/licenses.ts';
import { type Dependencies, reading } from '../use-case.ts';

/** Our own agent rests for an hour after each renewal, also where the next is due at once; a person may ask beside it. */
export const MOST_A_DAY = 48;
const DAY_MS = 86_400_000;
/** Not until it is granted, which may be a day: by then somebody may have found out why. */
const ASK_AGAIN_SECONDS = 3600;

/**
 * What a site that renews on and on costs is kept for years: a certificate, its audit entry and a line in the journal of
 * the signer each time. Nothing is looked up for a site that renews as it should.
 */
export async function assertNotTooOften(
  deps: Dependencies,
  actor: Principal,
  { license, lineage }: Pick<RenewalCase, 'license' | 'lineage'>,
  { at, isFork }: { readonly at: Date; readonly isFork: boolean },
): Promise<void> {
  // A clone shows the same old license again and again.
  const isYoung = at.getTime() - license.notBefore.getTime() < DAY_MS;
  if (lineage.sequence < MOST_A_DAY || !(isYoung || isFork)) return;
  const oldest = await reading(deps, actor, (tx) => deps.stores.licenses.nthNewest(tx, lineage.id, MOST_A_DAY, at));
  if (oldest === undefined || at.getTime() - oldest.getTime() >= DAY_MS) return;
  const message =
    `This site has been given ${MOST_A_DAY} licenses within a day; it is given the next after ` +
    `${new Date(oldest.getTime() + DAY_MS).toISOString()}. Find out why it renews without need.`;
  throw new LicetError('too-many', 'RENEWED_TOO_OFTEN', message, { retryAfterSeconds: ASK_AGAIN_SECONDS });
}
