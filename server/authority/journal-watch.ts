import { AuthorityError, type JournalEntry, type RevocationRecord, type Signer, whichCounts } from '@licet/authority';
import { toHex } from '@licet/format';
import { LicetError } from '../licensing/errors.ts';
import type { Clock } from '../licensing/ports/clock.ts';
import type { Transactions } from '../licensing/ports/transactions.ts';
import type { Directory } from './directory.ts';
import { type JournalOrder, serialOf } from './lost-order.ts';
import type { CertificateRecords, JournalMark, JournalMarks, SerialNumber } from './ports/journal-marks.ts';

/** The statuses of certificates in the database. Of each certificate there is one record: the one that counts. */
export interface RevocationReplay {
  /** Those that the database does not reflect. */
  missing(records: readonly RevocationRecord[]): Promise<readonly RevocationRecord[]>;
  /** Makes them true again. */
  apply(records: readonly RevocationRecord[]): Promise<void>;
}

export type JournalDeps = {
  readonly signer: Signer;
  readonly transactions: Transactions;
  readonly directory: Directory;
  readonly marks: JournalMarks;
  readonly records: CertificateRecords;
  readonly revocations: RevocationReplay;
  readonly clock: Clock;
};

export type Comparison =
  { readonly state: 'level' } | { readonly state: 'behind'; readonly orders: number; readonly revocations: number };

/** The journal is not the one that this database was written with: nothing may be signed with it. */
export class JournalLost extends AuthorityError {
  /** It belongs to the keys, though: where the right one is lost for good, this one can take its place. */
  readonly isAcceptable: boolean;

  constructor(why: string, isAcceptable: boolean) {
    const accept = ', or, if that is lost for good, run "licet reconcile --accept-journal"';
    super('JOURNAL_LOST', `${why}${isAcceptable ? accept : ''}.`);
    this.isAcceptable = isAcceptable;
  }
}

const PAGE = 1000;
/** A revocation is journaled just before it is stored: for so long it is under way and not lost. */
const UNDER_WAY_MS = 60_000;
/** The mark is seen to twice a minute: what is missing within this time after it was left behind by a crash. */
const LEFT_BEHIND_MS = 3 * 60_000;

export type Comparing = {
  /** Nobody else works on this database, and nothing has begun here: what is missing is not under way. */
  readonly isAlone?: boolean;
};

/**
 * Whether the database knows all that the signer's journal knows, and if so, moves the mark. A revocation that a crash
 * kept from the database is no reason to stop: it was ordered, so it is made true here and now.
 */
export async function compareJournal(deps: JournalDeps, { isAlone = false }: Comparing = {}): Promise<Comparison> {
  const mark = await checkedMark(deps);
  const changes: Changes = new Map();
  let orders = 0;
  let last: JournalEntry | undefined;
  for await (const page of pagesAfter(deps.signer, mark?.sequence ?? 0n)) {
    orders += (await unknownOrders(deps, page)).length;
    collectChanges(page, changes);
    last = page.at(-1);
  }
  const at = isAlone ? undefined : deps.clock.now();
  const { repair, waiting, lost } = sortOut(await missingOf(deps, changes), mark, at);
  if (orders > 0 || lost.length > 0) return { state: 'behind', orders, revocations: lost.length + repair.length };
  if (repair.length > 0) await deps.revocations.apply(repair);
  if (!waiting.every(isNear(mark))) return { state: 'level' };
  // Up to what is under way, so that a server which is killed again and again, and always leaves something, goes on.
  const level = waiting.length === 0 ? last : await entryBefore(deps.signer, firstOf(waiting, changes));
  await setMark(deps, level ?? mark);
  return { state: 'level' };
}

/** The place in the journal of the first of these. */
const firstOf = (records: readonly RevocationRecord[], changes: Changes): bigint =>
  records.map((record) => changes.get(nameOf(record))!.sequence).reduce((a, b) => (a < b ? a : b));

async function entryBefore(signer: Signer, sequence: bigint): Promise<JournalEntry | undefined> {
  return sequence < 2n ? undefined : (await signer.journalAfter(sequence - 2n, 1))[0];
}

export type Replay = {
  /** Puts these certificates back, which the database does not know. */
  restore(orders: readonly JournalOrder[]): Promise<void>;
  /** Once they and their revocations are back: for what follows from them. `orders` are those of all that was replayed. */
  follow(orders: () => AsyncIterable<readonly SerialNumber[]>, changes: readonly RevocationRecord[]): Promise<void>;
};

/** Puts back everything that is missing: orders by pages, and then, since only what is known can be revoked, the rest. */
export async function replayJournal(deps: JournalDeps, replay: Replay): Promise<{ readonly revocations: number }> {
  const changes: Changes = new Map();
  let last: JournalEntry | undefined;
  const from = (await checkedMark(deps))?.sequence ?? 0n;
  for await (const page of pagesAfter(deps.signer, from)) {
    const orders = await unknownOrders(deps, page);
    if (orders.length > 0) await replay.restore(await withSignatures(deps, orders));
    collectChanges(page, changes);
    last = page.at(-1);
  }
  const missing = await missingOf(deps, changes);
  if (missing.length > 0) await deps.revocations.apply(missing);
  await replay.follow(() => ordersAfter(deps.signer, from), recordsIn(changes));
  if (last !== undefined) await setMark(deps, last);
  return { revocations: missing.length };
}

async function* ordersAfter(signer: Signer, sequence: bigint): AsyncGenerator<readonly SerialNumber[]> {
  for await (const page of pagesAfter(signer, sequence)) yield ordersIn(page);
}

/**
 * This journal is new, or an old copy, and counts from here on: what only the lost one knew cannot be put back any more.
 * Throws where none is lost: there the journal knows what the database has forgotten, and accepting it would forget that.
 */
export async function acceptJournal(deps: JournalDeps): Promise<void> {
  try {
    await checkedMark(deps);
  } catch (error) {
    if (!(error instanceof JournalLost && error.isAcceptable)) throw error;
    return setMark(deps, await deps.signer.journalHead(), 'replace');
  }
  const message = 'The journal is the one that the database has seen, so none is lost: run "licet reconcile".';
  throw new LicetError('conflict', 'JOURNAL_NOT_LOST', message);
}

/**
 * Before authorities are saved in a database that has not seen this journal: without a mark it would be taken for the
 * database of another. The first line is that of a key, so nothing that was signed counts as known.
 */
export async function beginMark(deps: JournalDeps): Promise<void> {
  if ((await checkedMark(deps)) !== undefined) return;
  const [first] = await deps.signer.journalAfter(0n, 1);
  await setMark(deps, first, 'advance', first?.at);
}

/** Also where nothing was added: the mark says until when the two were level, see `LEFT_BEHIND_MS`. */
async function setMark(
  deps: JournalDeps,
  level: Pick<JournalEntry, 'sequence' | 'hash'> | undefined,
  how: 'advance' | 'replace' = 'advance',
  at: Date = deps.clock.now(),
): Promise<void> {
  const journal = await identityOf(deps.signer);
  if (journal === undefined || level === undefined) return;
  const { sequence, hash } = level;
  await deps.transactions.run('platform', (tx) => deps.marks[how](tx, journal, { sequence, hash, at }));
}

async function identityOf(signer: Signer): Promise<Uint8Array | undefined> {
  return (await signer.journalAfter(0n, 1))[0]?.hash;
}

async function checkedMark(deps: JournalDeps): Promise<JournalMark | undefined> {
  const { signer, transactions, marks } = deps;
  const journal = await identityOf(signer);
  const mark = journal && (await transactions.run('platform', (tx) => marks.get(tx, journal), { readOnly: true }));
  if (mark === undefined) {
    await refuseForeign(deps);
    return undefined;
  }
  const [entry] = await signer.journalAfter(mark.sequence - 1n, 1);
  if (entry !== undefined && Buffer.compare(entry.hash, mark.hash) === 0) return mark;
  throw new JournalLost(
    `The signer's journal ends before entry ${mark.sequence}, which the database has seen: restore the newest copy of the journal`,
    true,
  );
}

/** Every authority that is saved has a mark for its journal, so one without a mark shows that the journal is another. */
async function refuseForeign({ signer, directory }: JournalDeps): Promise<void> {
  const ours = new Set((await signer.keys()).map(({ id }) => id));
  // The last is for the server of an enterprise, which has no other of its own.
  for (const kind of ['organization', 'service', 'enterprise'] as const) {
    const known = (await directory.list({ kind, limit: PAGE })).filter(({ held }) => held);
    const missing = known.find(({ key, status }) => !ours.has(key) && status !== 'retired');
    if (missing !== undefined) {
      throw new JournalLost(
        `The database knows the authority with key ${missing.key}, which this signer does not hold: restore the signer's folder, or correct signer.folder`,
        false,
      );
    }
    if (known.some(({ key }) => ours.has(key))) {
      throw new JournalLost(
        "The signer's journal is not the one that the database has seen: restore the newest copy of the journal",
        true,
      );
    }
  }
}

async function* pagesAfter(signer: Signer, sequence: bigint): AsyncGenerator<readonly JournalEntry[]> {
  const head = await signer.journalHead();
  for (let after = sequence; after < head.sequence;) {
    const page = await signer.journalAfter(after, PAGE);
    if (page.length === 0) return;
    yield page;
    after = page.at(-1)!.sequence;
  }
}

type Order = JournalOrder & { readonly sequence: bigint };

function ordersIn(page: readonly JournalEntry[]): Order[] {
  return page.flatMap(({ sequence, at, record }): Order[] => {
    if (record.type !== 'signature' || record.kind !== 'certificate' || record.signed === undefined) return [];
    const { key, signed } = record;
    return [{ issuer: key, serial: serialOf(signed), tbs: signed, at, signature: undefined, sequence }];
  });
}

async function unknownOrders({ transactions, records }: JournalDeps, page: readonly JournalEntry[]): Promise<Order[]> {
  const orders = ordersIn(page);
  if (orders.length === 0) return [];
  const known = await transactions.run('platform', (tx) => records.known(tx, orders), { readOnly: true });
  return orders.filter((_, index) => known[index] !== true);
}

/** The line with the signature follows its order closely; where none follows, none was made. */
async function withSignatures({ signer }: JournalDeps, orders: readonly Order[]): Promise<JournalOrder[]> {
  const signatures = new Map<bigint, Uint8Array>();
  const wanted = new Set(orders.map(({ sequence }) => sequence));
  for (let after = orders[0]!.sequence; signatures.size < wanted.size;) {
    const page = await signer.journalAfter(after, PAGE);
    if (page.length === 0) break;
    for (const { record } of page) {
      if (record.type === 'signed' && wanted.has(record.of)) signatures.set(record.of, record.signature);
    }
    after = page.at(-1)!.sequence;
    if (after > orders.at(-1)!.sequence + BigInt(4 * PAGE)) break;
  }
  return orders.map(({ sequence, ...order }) => ({ ...order, signature: signatures.get(sequence) }));
}

/** What counts of all that was said of each certificate, and where. */
type Changes = Map<string, { readonly sequence: bigint; readonly record: RevocationRecord }>;

const nameOf = ({ key, serial }: RevocationRecord): string => `${key} ${toHex(serial)}`;

const recordsIn = (changes: Changes): RevocationRecord[] => [...changes.values()].map(({ record }) => record);

function collectChanges(page: readonly JournalEntry[], into: Changes): void {
  for (const { sequence, record } of page) {
    if (record.type !== 'revocation') continue;
    const earlier = into.get(nameOf(record))?.record;
    if (whichCounts(earlier, record) === record) into.set(nameOf(record), { sequence, record });
  }
}

async function missingOf({ revocations }: JournalDeps, changes: Changes) {
  return changes.size === 0 ? [] : revocations.missing(recordsIn(changes));
}

type Sorted = Readonly<Record<'repair' | 'waiting' | 'lost', readonly RevocationRecord[]>>;

/**
 * Those that were ordered when the mark was last moved are what a crash left behind; those of this minute are still on
 * their way, if anything is; and others are lost, because the mark would have passed them.
 */
function sortOut(missing: readonly RevocationRecord[], mark: JournalMark | undefined, now: Date | undefined): Sorted {
  // What is later was ordered by a clock that was ahead, and is over as well.
  const isWaiting = ({ at }: RevocationRecord) => now !== undefined && within(UNDER_WAY_MS, at, now);
  const isRecent = isNear(mark);
  const waiting = missing.filter(isWaiting);
  const settled = missing.filter((record) => !isWaiting(record));
  return { waiting, repair: settled.filter(isRecent), lost: settled.filter((record) => !isRecent(record)) };
}

/** On both sides: a mark of a clock that was ahead is none of what was ordered by the right one. */
const isNear =
  (mark: JournalMark | undefined) =>
  ({ at }: RevocationRecord): boolean =>
    mark !== undefined && within(LEFT_BEHIND_MS, at, mark.at);

const within = (ms: number, one: Date, other: Date): boolean => Math.abs(one.getTime() - other.getTime()) <= ms;
