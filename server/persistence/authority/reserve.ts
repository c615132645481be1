import type { Intent, Reservation } from '@licet/authority';
import { UNKNOWN_OWNER } from '../../authority/ports/journal-marks.ts';
import { LicetError } from '../../licensing/errors.ts';
import type { Transaction } from '../../licensing/ports/transactions.ts';
import { sql } from '../transactions.ts';
import { bytea, columns, hex } from '../columns.ts';
import { graceOf, INTENT_COLUMNS, intentOf, type IntentRow } from './intent-row.ts';

type Judged = Map<Intent, Reservation>;

/** Which of these may not be recorded, because others renew the same licenses or enrol the same sites. */
export type Taken = (tx: Transaction, intents: readonly Intent[]) => Promise<ReadonlyMap<Intent, Reservation>>;

export type Reserving = { readonly keptUntil: (intent: Intent) => Date; readonly taken?: Taken | undefined };

/** Judges a batch in order: first whose the renewals and the keys are, then what is stored. */
export async function reserveAll(
  tx: Transaction,
  intents: readonly Intent[],
  { keptUntil, taken }: Reserving,
): Promise<Reservation[]> {
  const judged: Judged = new Map();
  // What each waits for goes out at once, the licenses first: locks are taken in the same order by all.
  const late = taken?.(tx, intents).then((found) => found.forEach((verdict, intent) => judged.set(intent, verdict)));
  for (let left = intents; left.length > 0; left = left.filter((intent) => !judged.has(intent))) {
    const { firsts, repeats } = sorted(left);
    await Promise.all([late, judgeKeys(tx, firsts, judged)]);
    await record(
      tx,
      firsts.filter((intent) => !judged.has(intent)),
      keptUntil,
      judged,
    );
    for (const [repeat, first] of repeats) {
      const verdict = repeated(repeat, first, judged.get(first));
      if (verdict !== undefined) judged.set(repeat, verdict);
    }
  }
  return intents.map((intent) => judged.get(intent)!);
}

/** The intents that can be judged side by side, and those that repeat the request or the serial of one before them. */
function sorted(intents: readonly Intent[]): { firsts: Intent[]; repeats: Map<Intent, Intent> } {
  const seen = new Map<string, Intent>();
  const firsts: Intent[] = [];
  const repeats = new Map<Intent, Intent>();
  for (const intent of intents) {
    const names = [hex(intent.request), `${intent.issuer}/${hex(intent.serial)}`];
    const first = names.map((name) => seen.get(name)).find((found) => found !== undefined);
    if (first !== undefined) repeats.set(intent, first);
    else {
      firsts.push(intent);
      for (const name of names) seen.set(name, intent);
    }
  }
  return { firsts, repeats };
}

/** What the verdict on the first says about its repetition. One that was refused says nothing. */
function repeated(repeat: Intent, first: Intent, verdict: Reservation | undefined): Reservation | undefined {
  const isRefused = verdict === undefined || !['reserved', 'issued', 'pending'].includes(verdict.outcome);
  if (isRefused) return undefined;
  if (!bytea(repeat.request).equals(first.request)) return { outcome: 'serial-taken' };
  if (verdict.outcome !== 'reserved' || isSame(repeat, first)) return verdict;
  return { outcome: 'pending', intent: first };
}

const isSame = (a: { serial: Uint8Array; tbs: Uint8Array }, b: { serial: Uint8Array; tbs: Uint8Array }): boolean =>
  bytea(a.serial).equals(b.serial) && bytea(a.tbs).equals(b.tbs);

type KeyRow = { hash: Buffer; owner: string; blocked: boolean };

/**
 * The first owner of a key stays its owner. Two statements, so that the second sees who came first meanwhile; the one
 * goes out on the heels of the other.
 */
async function judgeKeys(tx: Transaction, intents: readonly Intent[], judged: Judged): Promise<void> {
  if (intents.length === 0) return;
  const [hashes, ...owners] = columns(
    intents,
    (intent) => intent.publicKey,
    (intent) => intent.organization,
    (intent) => intent.keyOwner,
  );
  const [, rows] = await Promise.all([
    sql(tx).prepared(
      `insert into public_keys (hash, organization, owner)
       select hash, organization, owner
         from unnest($1::bytea[], $2::text[], $3::text[]) with ordinality as k(hash, organization, owner, number)
        order by hash, number on conflict do nothing`,
      [hashes, ...owners],
    ),
    sql(tx).prepared<KeyRow>('select hash, owner, blocked from public_keys where hash = any($1::bytea[])', [hashes]),
  ]);
  const byHash = new Map(rows.map((row) => [hex(row.hash), row]));
  for (const intent of intents) {
    const key = byHash.get(hex(intent.publicKey));
    if (key?.blocked === true) judged.set(intent, { outcome: 'key-blocked' });
    else if (key?.owner !== intent.keyOwner && !(await isOwned(tx, key, intent)))
      judged.set(intent, { outcome: 'key-reused' });
  }
}

/** Makes a key theirs whose owner is unknown. Nearly never: who writes here in all cases would lock rows for nothing. */
async function isOwned(tx: Transaction, key: KeyRow | undefined, { keyOwner }: Intent): Promise<boolean> {
  if (key === undefined || !key.owner.startsWith(UNKNOWN_OWNER)) return false;
  const rows = await sql(tx).query(
    `update public_keys set owner = $3 where hash = $1 and owner in ($2, $3) and not blocked returning 1`,
    [key.hash, key.owner, keyOwner],
  );
  return rows.length === 1;
}

const NAMES = INTENT_COLUMNS.map(([name]) => name).join(', ');
const ARRAYS = INTENT_COLUMNS.map(([, type], index) => `$${index + 1}::${type}[]`).join(', ');
const MORE = `$${INTENT_COLUMNS.length + 1}::timestamptz[], $${INTENT_COLUMNS.length + 2}::bigint[]`;

// In the order of the requests, so that two batches with the same requests wait for each other instead of deadlocking.
// A request whose certificate has expired is a new one.
const RECORD = `
  with given as (
    select * from unnest(${ARRAYS}, ${MORE}) with ordinality as g(${NAMES}, kept_until, grace, number)
  ), requested as (
    insert into issue_requests as old (request, issuer, serial, organization, not_after, at)
    select request, issuer, serial, organization, not_after, at from given order by request
    on conflict (request) do update
      set issuer = excluded.issuer, serial = excluded.serial, organization = excluded.organization,
          not_after = excluded.not_after, at = excluded.at
      where old.not_after <= excluded.at
    returning issuer, serial
  ), numbered as (
    insert into serials (issuer, serial, organization, crl_shard, not_after, kept_until, grace)
    select issuer, serial, organization, crl_shard, not_after, kept_until, grace
      from given join requested using (issuer, serial)
    on conflict do nothing returning issuer, serial
  ), recorded as (
    insert into issue_intents (${NAMES})
    select ${NAMES.replace('issuer, serial', 'given.issuer, given.serial')}
      from given join numbered using (issuer, serial)
  )
  select number::integer as number, requested.serial is not null as requested, numbered.serial is not null as numbered
    from given left join requested using (issuer, serial) left join numbered using (issuer, serial)`;

/** How often a request may slip away between two statements (closed or committed by another) before we give up. */
const MAX_ROUNDS = 3;

async function record(
  tx: Transaction,
  intents: readonly Intent[],
  keptUntil: (intent: Intent) => Date,
  judged: Judged,
): Promise<void> {
  let left = intents;
  for (let round = 0; left.length > 0; round++) {
    if (round === MAX_ROUNDS) {
      const message = 'The same request kept changing hands; repeat it.';
      throw new LicetError('unavailable', 'DATABASE_CONTENDED', message, { retryAfterSeconds: 1 });
    }
    left = await recordOnce(tx, left, keptUntil, judged);
  }
}

/** Returns the intents that it could not judge. */
async function recordOnce(
  tx: Transaction,
  intents: readonly Intent[],
  keptUntil: (intent: Intent) => Date,
  judged: Judged,
): Promise<readonly Intent[]> {
  const values = columns(intents, ...INTENT_COLUMNS.map(([, , value]) => value), keptUntil, graceOf);
  const rows = await sql(tx).prepared<{ number: number; requested: boolean; numbered: boolean }>(RECORD, values);
  const known: Intent[] = [];
  const taken: Intent[] = [];
  for (const { number, requested, numbered } of rows) {
    const intent = intents[number - 1]!;
    if (numbered) judged.set(intent, { outcome: 'reserved' });
    else (requested ? taken : known).push(intent);
  }
  await forget(tx, taken, judged);
  return judgeKnown(tx, known, judged);
}

async function forget(tx: Transaction, taken: readonly Intent[], judged: Judged): Promise<void> {
  if (taken.length === 0) return;
  await sql(tx).query(
    'delete from issue_requests where request = any($1::bytea[])',
    columns(taken, (intent) => intent.request),
  );
  for (const intent of taken) judged.set(intent, { outcome: 'serial-taken' });
}

type Known = { readonly request: string; readonly certificate: Buffer | null; readonly intent: Intent | undefined };

async function judgeKnown(tx: Transaction, intents: readonly Intent[], judged: Judged): Promise<readonly Intent[]> {
  if (intents.length === 0) return [];
  const rows = await sql(tx).query<{ known_request: Buffer; certificate: Buffer | null } & IntentRow>(
    `select r.request as known_request, c.certificate, i.*
       from issue_requests r
       join serials s using (issuer, serial)
       left join certificates c on c.issuer = r.issuer and c.serial = r.serial and c.kept_until = s.kept_until
       left join issue_intents i on i.issuer = r.issuer and i.serial = r.serial
      where r.request = any($1::bytea[])`,
    columns(intents, (intent) => intent.request),
  );
  const byRequest = new Map(
    rows.map(({ known_request, certificate, ...row }): [string, Known] => {
      const request = hex(known_request);
      return [request, { request, certificate, intent: row.tbs === null ? undefined : intentOf(row) }];
    }),
  );
  return intents.filter((intent) => {
    const verdict = verdictOf(intent, byRequest.get(hex(intent.request)));
    if (verdict !== undefined) judged.set(intent, verdict);
    return verdict === undefined;
  });
}

function verdictOf(intent: Intent, known: Known | undefined): Reservation | undefined {
  if (known === undefined) return undefined;
  if (known.certificate !== null) return { outcome: 'issued', certificate: known.certificate };
  if (known.intent === undefined) return undefined;
  return isSame(intent, known.intent) ? { outcome: 'reserved' } : { outcome: 'pending', intent: known.intent };
}
