import { isFromFuture, type PublishedCrl, type RevocationStore, type Signer, withKey } from '@licet/authority';
import type { Directory } from './directory.ts';

export type CrlWatchDeps = {
  readonly directory: Pick<Directory, 'held' | 'list'>;
  readonly revocations: Pick<RevocationStore, 'shards'>;
  readonly signer: Pick<Signer, 'keys'>;
};

const MOST_ROOTS = 100;
/** Time for a person to open the safe: the lists of an offline root were made ahead, but nobody else can bring them. */
const NOTICE_DAYS = 30;
const DAY_MS = 86_400_000;

/**
 * Without the CRLs of the few above all others nothing below can be checked to the end: rejects when one is missing, has
 * ended or has not begun. Resolves to what somebody has to do soon, where that is so.
 */
export async function checkCrls(deps: CrlWatchDeps, now: Date): Promise<string | undefined> {
  const { directory, revocations } = deps;
  const all = (await directory.held()).filter(({ purpose }) => purpose === 'organization' || purpose === 'service');
  // Above an enterprise that keeps its own CA, the organization publishes the list, and `import` takes none.
  const roots = (await directory.list({ kind: 'root', limit: MOST_ROOTS })).filter(
    ({ status, addresses }) => status !== 'retired' && addresses.crls.length > 0,
  );
  const standings = await revocations.shards([...all, ...roots].map(({ key }) => key));
  const listsOf = (key: string) => standings.filter(({ issuer }) => issuer === key).flatMap(({ crl }) => crl ?? []);
  const isInForce = ({ key }: { readonly key: string }) =>
    listsOf(key).length > 0 && listsOf(key).every(({ nextUpdate }) => nextUpdate > now);
  // Without its key no list is made, whichever server is asked; the check of the keys says what is to be done.
  const own = all.every(isInForce) ? all : withKey(all, await deps.signer.keys());
  const bare = own.find(({ key }) => listsOf(key).length === 0);
  if (bare !== undefined) throw new Error(`The ${bare.purpose} CA has no CRL yet.`);
  const ended = own.flatMap(({ key }) => listsOf(key)).find(({ nextUpdate }) => nextUpdate <= now);
  if (ended !== undefined) throw new Error(`The CRL ${ended.shard} of key ${ended.issuer} is out of date.`);
  const ahead = own.flatMap(({ key }) => listsOf(key)).find((crl) => isFromFuture(crl, now));
  if (ahead !== undefined) return notBegun(ahead);
  return roots
    .map(({ key, held }) => rootNotice(key, held, listsOf(key)[0], now))
    .find((notice) => notice !== undefined);
}

/**
 * No reason to serve nobody: whoever has a list from before is served by it, and all servers would be out at once.
 * A list of an offline root has the number that it was given: nothing older can follow it.
 */
function notBegun({ shard, issuer, thisUpdate }: PublishedCrl, isMadeHere = true): string {
  const what = isMadeHere ? 'run "licet reconcile --accept-clock"' : 'wait until then, it was published too early';
  return (
    `The CRL ${shard} of key ${issuer} begins at ${thisUpdate.toISOString()}, which is to come: set the clock of this ` +
    `server right if it is behind; if it was ahead and is right now, ${what}.`
  );
}

/** Where the key of the root is here, its list is made here like any other. */
function rootNotice(key: string, held: boolean, crl: PublishedCrl | undefined, now: Date): string | undefined {
  const what = held ? 'it is made here, see the log' : 'bring the next one: licet authority import --crls <folder>';
  if (crl === undefined) return `No CRL of the root ${key} is published here: ${what}.`;
  if (isFromFuture(crl, now)) return notBegun(crl, held);
  const { nextUpdate } = crl;
  if (nextUpdate <= now) throw new Error(`The CRL of the root ${key} ended at ${nextUpdate.toISOString()}: ${what}.`);
  const isSoon = !held && nextUpdate.getTime() - now.getTime() < NOTICE_DAYS * DAY_MS;
  return isSoon ? `The CRL of the root ${key} ends at ${nextUpdate.toISOString()}: ${what}.` : undefined;
}
