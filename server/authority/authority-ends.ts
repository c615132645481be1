import type { Clock } from '../licensing/ports/clock.ts';
import type { Directory, Opened } from './directory.ts';
import { RENEW_AFTER } from './enterprise-certificate.ts';
import { isVital, nameOf } from './lost-keys.ts';
import type { Authority, AuthorityKind } from './ports/authorities.ts';

export type Ending = {
  readonly authority: Authority;
  readonly begin: Date;
  /** Of the first certificate in its chain: from then on it issues nothing. */
  readonly end: Date;
  readonly rootEnd: Date;
  /** Whether this server can certify its successor. */
  readonly isParentHere: boolean;
};

/** Time for people to be brought together at a safe, for a CA of five years. One that lives shorter: its last third. */
const NOTICE_DAYS = 180;
const DAY_MS = 86_400_000;

/** The CAs in office here that a person has to see to: the one of a contract is certified anew with its licenses. */
export function createEndsReader(directory: Pick<Directory, 'held' | 'find'>): () => Promise<readonly Ending[]> {
  let last: { readonly held: unknown; readonly ends: Promise<readonly Ending[]> } | undefined;
  return async () => {
    const held = await directory.held();
    // The same list until any authority changes: of thousands, which are looked at once.
    if (last?.held !== held) last = { held, ends: endsOf(directory, held) };
    const { ends } = last;
    ends.catch(() => (last = undefined));
    return ends;
  };
}

async function endsOf(
  directory: Pick<Directory, 'find'>,
  held: Awaited<ReturnType<Directory['held']>>,
): Promise<readonly Ending[]> {
  const opened = await Promise.all(held.map(({ key }) => directory.find(key)));
  const ours = opened.flatMap((one) => (one !== undefined && needsPerson(one.authority) ? [one] : []));
  return Promise.all(ours.map((one) => endingOf(directory, one)));
}

/** A root outlives what is below it. */
const needsPerson = ({ kind, status, contract }: Authority): boolean =>
  status === 'active' && kind !== 'root' && contract === undefined;

async function endingOf(
  directory: Pick<Directory, 'find'>,
  { authority, generation: { chain } }: Opened,
): Promise<Ending> {
  const parent = authority.parent === undefined ? undefined : await directory.find(authority.parent);
  return {
    authority,
    begin: chain[0]!.notBefore,
    end: endOf({ chain }),
    rootEnd: chain.at(-1)!.notAfter,
    isParentHere: parent?.authority.held === true,
  };
}

/** Of the first that ends in the chain of a CA. */
export const endOf = ({ chain }: Pick<Opened['generation'], 'chain'>): Date =>
  chain.map(({ notAfter }) => notAfter).reduce(sooner);

const sooner = (a: Date, b: Date): Date => (a < b ? a : b);

/** By kind, those of their roots too. */
export function soonestEnds(ends: readonly Ending[]): ReadonlyMap<AuthorityKind, Date> {
  const found = new Map<AuthorityKind, Date>();
  const add = (kind: AuthorityKind, end: Date) => found.set(kind, sooner(found.get(kind) ?? end, end));
  for (const { authority, end, rootEnd } of ends) {
    add(authority.kind, end);
    add('root', rootEnd);
  }
  return found;
}

/** Rejects where nothing can be issued any more; resolves to what somebody has to do soon, where that is so. */
export function createEndsCheck(
  read: () => Promise<readonly Ending[]>,
  clock: Clock,
): () => Promise<string | undefined> {
  return async () => {
    const now = clock.now();
    const due = (await read()).filter((one) => now.getTime() >= noticeOf(one));
    const vital = due.find(({ authority, end }) => isVital(authority) && end < now);
    if (vital !== undefined) throw new Error(sayEnd(vital, now));
    return due.length === 0 ? undefined : due.map((one) => sayEnd(one, now)).join(' ');
  };
}

/** An enterprise's is not certified anew before. */
const noticeOf = ({ begin, end }: Ending): number =>
  Math.max(end.getTime() - NOTICE_DAYS * DAY_MS, begin.getTime() + (end.getTime() - begin.getTime()) * RENEW_AFTER);

function sayEnd({ authority, end, isParentHere }: Ending, now: Date): string {
  const when = `${end < now ? 'ended' : 'ends'} at ${end.toISOString()}`;
  return `The certificate of ${nameOf(authority)}, key ${authority.key}, ${when}, and nothing is issued below it from then on: ${whatToDo(authority, isParentHere)}.`;
}

function whatToDo({ key, kind }: Authority, isParentHere: boolean): string {
  if (isParentHere) return `run "licet authority rollover ${key}"`;
  const how = kind === 'enterprise' ? 'have the organization certify its request again' : 'hold the ceremony again';
  return `${how}, accept the chain and run "licet authority import", see docs/ceremony.md`;
}
