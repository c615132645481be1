import type { Intent, Reservation } from '@licet/authority';
import { sql } from '../transactions.ts';
import type { Transaction } from '../../licensing/ports/transactions.ts';
import { bytea, columns, hex } from './columns.ts';
import { INTENT_COLUMNS } from './intent-row.ts';

type Judged = Map<Intent, Reservation>;

/** Judges a batch in order: first what it says about itself, then whose the keys are, then what is stored. */
export async function reserveAll(
  tx: Transaction,
  intents: readonly Intent[],
  keptUntil: (intent: Intent) => Date,
): Promise<Reservation[]> {
  const judged: Judged = new Map();
  const repeats = withinBatch(intents, judged);
  const left = (): Intent[] => intents.filter((intent) => !judged.has(intent) && !repeats.has(intent));
  await judgeKeys(tx, left(), judged);
  await record(tx, left(), keptUntil, judged);
  const verdictOn = (intent: Intent): Reservation => {
    const first = repeats.get(intent);
    return first === undefined ? judged.get(intent)! : repeated(intent, first, judged.get(first)!);
  };
  return intents.map(verdictOn);
}

/** Repetitions inside the batch: of a request, to be answered as its first; of a serial, which chance never makes. */
function withinBatch(intents: readonly Intent[], judged: Judged): ReadonlyMap<Intent, Intent> {
  const repeats = new Map<Intent, Intent>();
  const requests = new Map<string, Intent>();
  const serials = new Set<string>();
  for (const intent of intents) {
    const first = requests.get(hex(intent.request));
    const serial = `${intent.issuer}/${hex(intent.serial)}`;
    if (first !== undefined) repeats.set(intent, first);
    else if (serials.has(serial)) judged.set(intent, { outcome: 'serial-taken' });
    else {
      requests.set(hex(intent.request), intent);
      serials.add(serial);
    }
  }
  return repeats;
}

function repeated(repeat: Intent, first: Intent, verdict: Reservation): Reservation {
  if (verdict.outcome !== 'reserved' || isSame(repeat, first)) return verdict;
  return { outcome: 'pending', since: first.at };
}

const isSame = (a: { serial: Uint8Array; tbs: Uint8Array }, b: { serial: Uint8Array; tbs: Uint8Array }): boolean =>
  bytea(a.serial).equals(b.serial) && bytea(a.tbs).equals(b.tbs);

type KeyRow = { hash: Buffer; owner: string; blocked: boolean };

/** The first owner of a key stays its owner. Two statements, so that the second sees who came first meanwhile. */
async function judgeKeys(tx: Transaction, intents: readonly Intent[], judged: Judged): Promise<void> {
  if (intents.length === 0) return;
  await sql(tx).query(
    `insert into public_keys (hash, organization, owner)
     select hash, organization, owner
       from unnest($1::bytea[], $2::text[], $3::text[]) with ordinality as k(hash, organization, owner, number)
      order by hash, number on conflict do nothing`,
    columns(
      intents,
      (intent) => bytea(intent.publicKey),
      (intent) => intent.organization,
      (intent) => intent.keyOwner,
    ),
  );
  const rows = await sql(tx).query<KeyRow>(
    'select hash, owner, blocked from public_keys where hash = any($1::bytea[])',
    columns(intents, (intent) => bytea(intent.publicKey)),
  );
  const byHash = new Map(rows.map((row) => [hex(row.hash), row]));
  for (const intent of intents) {
    const key = byHash.get(hex(intent.publicKey));
    if (key?.blocked === true) judged.set(intent, { outcome: 'key-blocked' });
    else if (key?.owner !== intent.keyOwner) judged.set(intent, { outcome: 'key-reused' });
  }
}

const NAMES = INTENT_COLUMNS.map(([name]) => name).join(', ');
const ARRAYS = INTENT_COLUMNS.map(([, type], index) => `$${index + 1}::${type}[]`).join(', ');
const KEPT_UNTIL = `$${INTENT_COLUMNS.length + 1}::timestamptz[]`;

// In the order of the requests, so that two batches with the same requests wait for each other instead of deadlocking.
// A request whose certificate has expired is a new one.
const RECORD = `
  with given as (
    select * from unnest(${ARRAYS}, ${KEPT_UNTIL}) with ordinality as g(${NAMES}, kept_until, number)
  ), requested as (
    insert into issue_requests as old (request, issuer, serial, organization, not_after, at)
    select request, issuer, serial, organization, not_after, at from given order by request
    on conflict (request) do update
      set issuer = excluded.issuer, serial = excluded.serial, organization = excluded.organization,
          not_after = excluded.not_after, at = excluded.at
      where old.not_after <= excluded.at
    returning issuer, serial
  ), numbered as (
    insert into serials (issuer, serial, organization, crl_shard, not_after, kept_until)
    select issuer, serial, organization, crl_shard, not_after, kept_until
      from given join requested using (issuer, serial)
    on conflict do nothing returning issuer, serial
  ), recorded as (
    insert into issue_intents (${NAMES})
    select ${NAMES.replace('issuer, serial', 'given.issuer, given.serial')}
      from given join numbered using (issuer, serial)
  )
  select number::integer as number, requested.serial is not null as requested, numbered.serial is not null as numbered
    from given left join requested using (issuer, serial) left join numbered using (issuer, serial)`;

async function record(
  tx: Transaction,
  intents: readonly Intent[],
  keptUntil: (intent: Intent) => Date,
  judged: Judged,
): Promise<void> {
  if (intents.length === 0) return;
  const values = columns(intents, ...INTENT_COLUMNS.map(([, , value]) => value), keptUntil);
  const rows = await sql(tx).query<{ number: number; requested: boolean; numbered: boolean }>(RECORD, values);
  const known: Intent[] = [];
  const taken: Intent[] = [];
  for (const { number, requested, numbered } of rows) {
    const intent = intents[number - 1]!;
    if (numbered) judged.set(intent, { outcome: 'reserved' });
    else (requested ? taken : known).push(intent);
  }
  await forget(tx, taken, judged);
  await judgeKnown(tx, known, judged);
}

async function forget(tx: Transaction, taken: readonly Intent[], judged: Judged): Promise<void> {
  if (taken.length === 0) return;
  await sql(tx).query(
    'delete from issue_requests where request = any($1::bytea[])',
    columns(taken, (intent) => bytea(intent.request)),
  );
  for (const intent of taken) judged.set(intent, { outcome: 'serial-taken' });
}

type KnownRow = { request: Buffer; serial: Buffer; at: Date; certificate: Buffer | null; tbs: Buffer | null };

async function judgeKnown(tx: Transaction, intents: readonly Intent[], judged: Judged): Promise<void> {
  if (intents.length === 0) return;
  const rows = await sql(tx).query<KnownRow>(
    `select r.request, r.serial, r.at, c.certificate, i.tbs
       from issue_requests r
       join serials s using (issuer, serial)
       left join certificates c on c.issuer = r.issuer and c.serial = r.serial and c.kept_until = s.kept_until
       left join issue_intents i on i.issuer = r.issuer and i.serial = r.serial
      where r.request = any($1::bytea[])`,
    columns(intents, (intent) => bytea(intent.request)),
  );
  const byRequest = new Map(rows.map((row) => [hex(row.request), row]));
  for (const intent of intents) judged.set(intent, verdictOf(intent, byRequest.get(hex(intent.request))));
}

function verdictOf(intent: Intent, row: KnownRow | undefined): Reservation {
  // Closed between our two statements: whoever asks again finds it free.
  if (row === undefined) return { outcome: 'pending', since: intent.at };
  if (row.certificate !== null) return { outcome: 'issued', certificate: row.certificate };
  if (row.tbs !== null && isSame(intent, { serial: row.serial, tbs: row.tbs })) return { outcome: 'reserved' };
  return { outcome: 'pending', since: row.at };
}
