import type { Directory } from './directory.ts';
import type { JournalDeps } from './journal-watch.ts';
import type { Authority } from './ports/authorities.ts';

export type LostKeysDeps = Pick<JournalDeps, 'signer' | 'clock'> & {
  readonly directory: Pick<Directory, 'held' | 'find'>;
};

/**
 * The CAs that serve here while the signer lacks their keys: CAs of enterprises are made with their first license, so a
 * copy of the signer's keys may be older than they are.
 */
export async function lostKeys({ signer, directory }: LostKeysDeps): Promise<readonly Authority[]> {
  const here = new Set((await signer.keys()).map(({ id }) => id));
  const lost = (await directory.held()).filter(({ key }) => !here.has(key));
  const opened = await Promise.all(lost.map(({ key }) => directory.find(key)));
  return opened.flatMap((one) => one?.authority ?? []);
}

/** What is lost, and what to do. */
export function sayLost(authority: Authority): string {
  const { key, status } = authority;
  const instead = status === 'active' ? 'rollover' : 'retire';
  return `The signer does not hold the key ${key} of ${nameOf(authority)}: put its file back and start the signer anew, or, if it is lost for good, run "licet authority ${instead} ${key}".`;
}

export function nameOf({ kind, organization, enterprise }: Authority): string {
  const whose = enterprise === undefined ? `"${organization}"` : `the enterprise "${enterprise}" of "${organization}"`;
  return `the ${kind} CA of ${whose}`;
}

/** All keys are read for it, and none is lost while a signer runs. */
const LOOK_EVERY_MS = 300_000;

/**
 * Rejects where nothing can be issued any more. That the customers of one contract get nothing is said and no more: a
 * server that left its balancer for that would take all the others with it.
 */
export function createKeyCheck(deps: LostKeysDeps): () => Promise<string | undefined> {
  let last: { readonly at: number; readonly found: Promise<readonly Authority[]> } | undefined;
  return async () => {
    const now = deps.clock.now().getTime();
    if (last === undefined || Math.abs(now - last.at) >= LOOK_EVERY_MS) last = { at: now, found: lostKeys(deps) };
    const { found } = last;
    found.catch(() => (last = undefined));
    const lost = await found;
    const vital = lost.find(isVital);
    if (vital !== undefined) throw new Error(sayLost(vital));
    return lost.length === 0 ? undefined : `${lost.length} lost, the first: ${sayLost(lost[0]!)}`;
  };
}

/** The CA of the organization is above all others, and the one of an enterprise without a contract serves them all. */
export const isVital = ({ kind, status, contract }: Authority): boolean =>
  status === 'active' && (kind === 'organization' || (kind === 'enterprise' && contract === undefined));
