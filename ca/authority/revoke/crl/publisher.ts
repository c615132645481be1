import { setTimeout as pause } from 'node:timers/promises';
import { toHex } from '@licet/format';
import { AuthorityError } from '../../errors.ts';
import { type CrashHook, noCrash } from '../../issue/crash-points.ts';
import type { IssuerGeneration } from '../../issue/issuer-generation.ts';
import type { Clock } from '../../ports/clock.ts';
import type {
  EntryCursor,
  EntryPage,
  PublishedCrl,
  RevocationStore,
  ShardHold,
  ShardId,
  ShardStanding,
} from '../../ports/revocation-store.ts';
import type { Signer } from '../../ports/signer.ts';
import { type CrlBench, openLocalBench, openThreadBench } from './bench.ts';
import { CRL_SETTINGS, type CrlSettings, isDue } from './due.ts';
import { unexcused } from './lost.ts';
import { isKeyLost, type LostIssuers } from './lost-issuers.ts';
import { release } from './release.ts';

export type CrlEvent =
  | { readonly kind: 'published'; readonly crl: PublishedCrl; readonly secondsBehind: number | undefined }
  /** Without a shard: it did not even come to that. */
  | { readonly kind: 'refused'; readonly shard: ShardId | undefined; readonly error: unknown };

export type CrlPublisherDeps = {
  readonly signer: Signer;
  readonly store: RevocationStore;
  readonly clock: Clock;
  /** Those whose CRLs are made here: active ones and those that are followed by another. */
  readonly generations: () => Promise<readonly IssuerGeneration[]>;
  readonly report: (event: CrlEvent) => void;
  readonly settings?: CrlSettings;
  /** An operator says that the clock was ahead and is right now: what follows a list from the future may be older. */
  readonly acceptClock?: boolean;
  /** Issuers whose keys are lost are told of once and then left alone for a while; without it they are tried each time. */
  readonly lostIssuers?: LostIssuers;
  readonly crashPoint?: CrashHook;
};

/** How many shards there were to publish, and what became of them. `busy`: another process is at it. */
export type PublishSummary = { readonly published: number; readonly refused: number; readonly busy: number };

/** What is made of one page takes some ten milliseconds, less than it takes to start a thread. */
const PAGE = 5000;
/** Entries of a certificate whose grace is over are kept a day on, so that it stands on a CRL made after that. */
const LOOKBACK_MS = 86_400_000;
/** A first list is small: whoever makes it needs a few hundredths of a second. */
const BUSY_MS = 50;
const BUSY_TRIES = 40;

/**
 * Publishes each shard that knows too little or grows old. What it makes is compared with what is in force, and stays in
 * the drawer when it lost an entry too early, went back in number or time, or does not verify: the old CRL stays then,
 * and somebody is told. A crash at any point leaves the old one.
 */
export async function publishDue(deps: CrlPublisherDeps, signal?: AbortSignal): Promise<PublishSummary> {
  const { store, clock, settings = CRL_SETTINGS, lostIssuers } = deps;
  const now = clock.now();
  const alive = (await aliveAt(deps, now)).filter(({ key }) => lostIssuers?.isLeftAlone(key, now) !== true);
  const standings = new Map(
    (await store.shards(alive.map(({ key }) => key))).map((standing) => [nameOf(standing), standing]),
  );
  const summary = { published: 0, refused: 0, busy: 0 };
  for (const generation of alive) {
    for (const shard of generation.addresses!.crls.keys()) {
      signal?.throwIfAborted();
      const id = { issuer: generation.key, shard };
      const standing = standings.get(nameOf(id));
      if (!isDue(standing, now, settings)) continue;
      const make = (hold: ShardHold) => makeAndPublish(deps, generation, hold);
      const outcome = await publishOne(deps, id, standing, make);
      // What is missing for one shard is missing for all of them.
      if (outcome === 'lost') break;
      summary[outcome] += 1;
    }
  }
  return summary;
}

/**
 * Whoever was just given a certificate may ask for its list before its turn has come: makes it where there is none yet,
 * and waits for the process that is making it. A shard that no CA of ours has is left alone. What fails is reported, and
 * thrown: who asks must not take a list that cannot be made for one that nobody has.
 */
export async function publishFirst(deps: CrlPublisherDeps, id: ShardId): Promise<void> {
  const generation = (await aliveAt(deps, deps.clock.now())).find(({ key }) => key === id.issuer);
  if (generation?.addresses?.crls[id.shard] === undefined) return;
  // Asked again under the hold: another process may have been faster, and the next look finds what it has made.
  const first = async (hold: ShardHold) =>
    (await deps.store.published(hold)) === undefined ? makeAndPublish(deps, generation, hold) : undefined;
  for (let attempt = 0; attempt < BUSY_TRIES; attempt += 1) {
    if ((await deps.store.published(id)) !== undefined) return;
    if ((await reported(deps, id, undefined, first)) === 'published') return;
    await pause(BUSY_MS);
  }
  throw new AuthorityError('BUSY', 'Another process is making this CRL, and takes its time; ask again later.');
}

/** The grace of a license counts from the end of its CA as well: as long as one can be used it needs a list. */
const aliveAt = async ({ generations }: CrlPublisherDeps, now: Date): Promise<readonly IssuerGeneration[]> =>
  (await generations()).filter(
    ({ certificate, claims }) =>
      certificate !== undefined && certificate.notAfter.getTime() + (claims?.grace ?? 0) * 1000 > now.getTime(),
  );

const nameOf = ({ issuer, shard }: ShardId): string => `${issuer}/${shard}`;

/** One shard that cannot be published must not keep the others from it. */
async function publishOne(...[deps, ...shard]: Parameters<typeof reported>): Promise<keyof PublishSummary | 'lost'> {
  try {
    return await reported(deps, ...shard);
  } catch (error) {
    return deps.lostIssuers !== undefined && isKeyLost(error) ? 'lost' : 'refused';
  }
}

async function reported(
  deps: CrlPublisherDeps,
  shard: ShardId,
  standing: ShardStanding | undefined,
  make: (hold: ShardHold) => Promise<PublishedCrl | undefined>,
): Promise<'published' | 'busy'> {
  let crl: PublishedCrl | undefined;
  try {
    crl = await deps.store.exclusively(shard, make);
  } catch (error) {
    const isKnown = isKeyLost(error) && deps.lostIssuers?.lost(shard.issuer, deps.clock.now()) === 'known';
    if (!isKnown) deps.report({ kind: 'refused', shard, error });
    throw error;
  }
  if (crl === undefined) return 'busy';
  deps.lostIssuers?.found(shard.issuer);
  const { behindSince } = standing ?? {};
  const secondsBehind =
    behindSince === undefined ? undefined : (crl.publishedAt.getTime() - behindSince.getTime()) / 1000;
  deps.report({ kind: 'published', crl, secondsBehind });
  return 'published';
}

async function makeAndPublish(
  deps: CrlPublisherDeps,
  generation: IssuerGeneration,
  hold: ShardHold,
): Promise<PublishedCrl> {
  const { store, clock, acceptClock = false } = deps;
  const previous = await store.published(hold);
  // Before any entry is read: what is committed from here on makes the shard due again.
  const covers = await store.lastChange();
  const now = clock.now();
  // Its thisUpdate is back-dated: a clock that is behind even that was wrong then or is wrong now, and who knows by how much.
  if (previous !== undefined && previous.thisUpdate > now && !acceptClock) throw refused(hold, eitherClock(previous));
  const entries = pages(store, hold, keptFrom(previous, now));
  const first = await entries.next();
  const isSmall = (previous?.entries ?? 0) <= PAGE && first.value?.next === undefined;
  const bench = isSmall ? openLocalBench() : openThreadBench();
  const making = { generation, hold, previous, covers, now, first: first.value, rest: entries };
  let made: Made;
  try {
    made = await makeOn(bench, deps, making);
  } finally {
    // Storing a long list takes memory of its own: that of the bench is given back before.
    await bench.close();
  }
  await store.publish(hold, made.crl, made.der);
  release(made.der);
  return made.crl;
}

type Making = {
  readonly generation: IssuerGeneration;
  readonly hold: ShardHold;
  readonly previous: PublishedCrl | undefined;
  readonly covers: bigint;
  readonly now: Date;
  readonly first: EntryPage | undefined;
  readonly rest: AsyncIterable<EntryPage>;
};

type Made = { readonly crl: PublishedCrl; readonly der: Uint8Array };

async function makeOn(bench: CrlBench, deps: CrlPublisherDeps, making: Making): Promise<Made> {
  const { store, signer, settings = CRL_SETTINGS, crashPoint = noCrash } = deps;
  const { generation, hold, previous, covers, now, first, rest } = making;
  const times = timesOf(now, generation, previous, settings);
  const number = numberOf(now, previous);
  await bench.begin({
    issuer: generation.certificate!.der,
    algorithm: generation.algorithm,
    address: generation.addresses!.crls[hold.shard]!,
    isWhole: generation.addresses!.crls.length === 1,
    number,
    madeAt: now,
    ...times,
    expectedEntries: Math.ceil((previous?.entries ?? 0) * 1.1),
  });
  if (first !== undefined) await bench.add(first.packed);
  for await (const { packed } of rest) await bench.add(packed);
  const tbs = await bench.finish();
  const [signature] = await signer.sign([{ key: generation.key, kind: 'crl', bytes: tbs }]);
  crashPoint('crl.signed');
  await bench.prove(tbs, signature!);
  if (previous !== undefined) for await (const part of store.parts(previous)) await bench.compare(part);
  const { der, entries, sha256, thisUpdate, defect, lost } = await bench.conclude(previous);
  if (defect !== undefined) throw refused(hold, defect);
  const missing = previous === undefined ? [] : await unexcused(lost, previous, now, deps);
  if (missing.length > 0) {
    const serials = missing.slice(0, 10).map(({ serial }) => toHex(serial));
    throw refused(hold, `${missing.length} entries of the CRL in force are missing in it`, serials);
  }
  const { issuer, shard } = hold;
  const facts = { issuer, shard, number, size: der.length, entries, sha256, ...times, thisUpdate };
  return { crl: { ...facts, publishedAt: now, covers }, der };
}

/**
 * RFC 5280 §5.2.3. From time and not from a counter: a database that comes back from a backup goes on above every number
 * there was. A clock that was set back a little must not keep a revocation from being seen.
 */
function numberOf(now: Date, previous: PublishedCrl | undefined): bigint {
  const ofTime = BigInt(now.getTime()) * 1_000_000n;
  const next = (previous?.number ?? 0n) + 1n;
  return next > ofTime ? next : ofTime;
}

/**
 * RFC 5280 §5.1.2.4, .5; never from before the issuer, nor from before the list that this one takes the place of, unless
 * that is from the future.
 */
function timesOf(
  now: Date,
  { certificate }: IssuerGeneration,
  previous: PublishedCrl | undefined,
  { validSeconds, backDatingSeconds }: CrlSettings,
) {
  const backDated = now.getTime() - backDatingSeconds * 1000;
  const before = previous !== undefined && previous.thisUpdate <= now ? previous.thisUpdate.getTime() : 0;
  const at = Math.max(backDated, certificate!.notBefore.getTime(), before);
  return { thisUpdate: wholeSecond(at), nextUpdate: wholeSecond(now.getTime() + validSeconds * 1000) };
}

const wholeSecond = (time: number) => new Date(Math.floor(time / 1000) * 1000);

/** §3.3: until it stood on one CRL made when nobody could use the certificate. The first CRL of a shard has them all. */
function keptFrom(previous: PublishedCrl | undefined, now: Date): Date {
  if (previous === undefined) return new Date(0);
  return new Date(Math.min(previous.thisUpdate.getTime(), now.getTime() - LOOKBACK_MS));
}

/** The next page is on its way while this one is being written. */
async function* pages(store: RevocationStore, shard: ShardId, from: Date): AsyncGenerator<EntryPage, undefined> {
  const fetch = (after: EntryCursor | undefined) => {
    const page = store.entries(shard, from, after, PAGE);
    // Its failure is met where it is awaited; until then it must not count as unhandled.
    page.catch(() => undefined);
    return page;
  };
  let coming: Promise<EntryPage> | undefined = fetch(undefined);
  while (coming !== undefined) {
    const page: EntryPage = await coming;
    coming = page.next === undefined ? undefined : fetch(page.next);
    yield page;
  }
  return undefined;
}

const eitherClock = ({ thisUpdate }: PublishedCrl): string =>
  `that is from ${thisUpdate.toISOString()}, which this server's clock says is to come: ` +
  'set the clock right if it is behind; if it was ahead then and is right now, run "licet reconcile --accept-clock"';

function refused({ issuer, shard }: ShardId, why: string, details: readonly string[] = []): AuthorityError {
  const message = `The CRL of shard ${shard} of key ${issuer} is not published and the one in force stays, because ${why}.`;
  return new AuthorityError('CRL_REFUSED', message, { details });
}
