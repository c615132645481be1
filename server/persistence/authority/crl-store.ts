import { setTimeout as pause } from 'node:timers/promises';
import {
  AuthorityError,
  type EntryCursor,
  type EntryPage,
  type PublishedCrl,
  type RevocationStore,
  type ShardHold,
  type ShardId,
  type ShardStanding,
} from '@licet/authority';
import type { Lease, Leases } from '../../licensing/ports/leases.ts';
import type { Transaction, Transactions } from '../../licensing/ports/transactions.ts';
import { sql } from '../transactions.ts';
import { bytea } from '../columns.ts';

type CrlStoreDeps = {
  readonly transactions: Transactions;
  readonly leases: Leases;
  readonly holder: string;
  readonly holdSeconds?: number;
};
type CrlStore = Pick<RevocationStore, 'shards' | 'entries' | 'published' | 'parts' | 'exclusively' | 'publish'>;

/** After a crash nobody publishes the shard for so long; whoever lives renews it meanwhile, however long a CRL takes. */
const HOLD_SECONDS = 9;
/** As much as is worth having in memory at a time; a value of PostgreSQL may have up to 1 GB, as text twice that. */
const PART_BYTES = 1_048_576;
const PIECE_BYTES = 24 * 1024;
const PIECES_AT_ONCE = 8;

export function createCrlStore(deps: CrlStoreDeps): CrlStore {
  const { transactions, leases, holder, holdSeconds = HOLD_SECONDS } = deps;
  const held = new WeakMap<ShardHold, Lease>();
  const reading = <T>(work: (tx: Transaction) => Promise<T>): Promise<T> =>
    transactions.run('platform', work, { readOnly: true });
  return {
    shards: (issuers) => reading((tx) => shards(tx, issuers)),
    entries: (shard, from, after, limit) => reading((tx) => entries(tx, shard, from, after, limit)),
    published: (shard) => reading((tx) => published(tx, shard)),
    async *parts(crl) {
      for (let part = 0; part * PART_BYTES < crl.size; part += 1) yield await reading((tx) => readPart(tx, crl, part));
    },
    async exclusively(shard, work) {
      const name = `crl:${shard.issuer}/${shard.shard}`;
      const lease = await transactions.run('platform', (tx) => leases.acquire(tx, name, holder, holdSeconds));
      if (lease === undefined) return undefined;
      const hold: ShardHold = { ...shard, hold: true };
      held.set(hold, lease);
      const over = new AbortController();
      const renew = () => transactions.run('platform', (tx) => leases.renew(tx, lease, holdSeconds));
      // Its only rejection is the pause that ends with the work.
      keepUp(renew, (holdSeconds * 1000) / 3, over.signal).catch(() => undefined);
      try {
        return await work(hold);
      } finally {
        over.abort();
        await transactions.run('platform', (tx) => leases.release(tx, lease));
      }
    },
    publish: (hold, crl, der) =>
      transactions.run('platform', async (tx) => {
        const lease = held.get(hold);
        if (lease === undefined) throw new Error('A CRL is published under a hold of this very process.');
        await leases.assertHeld(tx, lease);
        await publish(tx, crl, der);
      }),
  };
}

/** A renewal that fails is tried again; whether the hold was lost over it, `publish` finds out. */
async function keepUp(renew: () => Promise<unknown>, everyMs: number, over: AbortSignal): Promise<void> {
  for (;;) {
    await pause(everyMs, undefined, { signal: over, ref: false });
    await renew().catch(() => undefined);
  }
}

type CrlRow = {
  issuer: string;
  crl_shard: number;
  number: string;
  size: number;
  entries: number;
  sha256: Buffer;
  this_update: Date;
  next_update: Date;
  published_at: Date;
  covers: string;
};

const crlOf = (row: CrlRow): PublishedCrl => ({
  issuer: row.issuer,
  shard: row.crl_shard,
  number: BigInt(row.number),
  size: row.size,
  entries: row.entries,
  sha256: row.sha256,
  thisUpdate: row.this_update,
  nextUpdate: row.next_update,
  publishedAt: row.published_at,
  covers: BigInt(row.covers),
});

/** Each probe of the last change reads one entry of an index, however many revocations there are. */
async function shards(tx: Transaction, issuers: readonly string[]): Promise<readonly ShardStanding[]> {
  type Row = CrlRow & { last_change: string; behind_since: Date | null };
  const rows = await sql(tx).query<Row>(
    `select p.*, coalesce(c.change, 0)::text as last_change, b.revoked_at as behind_since
       from published_crls p
       left join lateral (
         select change from revocations r where r.issuer = p.issuer and r.crl_shard = p.crl_shard
          order by change desc limit 1) c on true
       left join lateral (
         select revoked_at from revocations r
          where r.issuer = p.issuer and r.crl_shard = p.crl_shard and r.change > p.covers
          order by change limit 1) b on true
      where p.issuer = any($1::text[])`,
    [issuers],
  );
  return rows.map((row) => ({
    issuer: row.issuer,
    shard: row.crl_shard,
    lastChange: BigInt(row.last_change),
    behindSince: row.behind_since ?? undefined,
    crl: crlOf(row),
  }));
}

// Packed here (ca/authority/revoke/crl/entries.ts): a million rows as objects would take longer than the whole CRL. And as
// base64: in hexadecimal, as the driver asks for bytes, they take half as much again, and twice that while they are read.
const ENTRIES = `
  with page as (
    select serial, grace_until, reason, revoked_at, invalid_since from revocations
     where issuer = $1 and crl_shard = $2 and reason <> 8 and grace_until >= $3 and (grace_until, serial) > ($4, $5)
     order by grace_until, serial limit $6
  ), last as (
    select grace_until, serial from page order by grace_until desc, serial desc limit 1
  )
  select count(*)::integer as count,
         (select grace_until from last) as grace_until, (select serial from last) as serial,
         encode(string_agg(
           set_byte('\\x00', 0, length(serial)) || serial || set_byte('\\x00', 0, reason)
             || int8send(floor(extract(epoch from revoked_at))::bigint)
             || int8send(coalesce(floor(extract(epoch from invalid_since))::bigint, -9223372036854775808)),
           '' order by grace_until, serial), 'base64') as packed
    from page`;

async function entries(
  tx: Transaction,
  { issuer, shard }: ShardId,
  from: Date,
  after: EntryCursor | undefined,
  limit: number,
): Promise<EntryPage> {
  type Row = { count: number; grace_until: Date | null; serial: Buffer | null; packed: string | null };
  const start = after ?? { graceUntil: from, serial: new Uint8Array() };
  const rows = await sql(tx).query<Row>(ENTRIES, [issuer, shard, from, start.graceUntil, bytea(start.serial), limit]);
  const [row] = rows.splice(0);
  const isLast = row === undefined || row.count < limit;
  const next = isLast ? undefined : { graceUntil: row.grace_until!, serial: row.serial! };
  return { packed: Buffer.from(row?.packed ?? '', 'base64'), next };
}

async function published(tx: Transaction, { issuer, shard }: ShardId): Promise<PublishedCrl | undefined> {
  const rows = await sql(tx).query<CrlRow>('select * from published_crls where issuer = $1 and crl_shard = $2', [
    issuer,
    shard,
  ]);
  return rows[0] && crlOf(rows[0]);
}

// Of a row of a megabyte the driver would leave ten behind, which only a full collection finds. Rows that fit what a socket
// is read by, a few at a time, go with the young. The column is stored as it is, so a piece is fetched without the rest.
const PIECES = `
  select encode(substring(bytes from $5::integer + 1 + piece * ${PIECE_BYTES} for ${PIECE_BYTES}), 'base64') as text
    from published_crl_parts, generate_series(0, ${PIECES_AT_ONCE - 1}) as piece
   where issuer = $1 and crl_shard = $2 and number = $3 and part = $4
   order by piece`;

async function readPart(tx: Transaction, crl: PublishedCrl, part: number): Promise<Uint8Array> {
  const key = [crl.issuer, crl.shard, String(crl.number), part];
  const bytes = Buffer.allocUnsafeSlow(Math.min(PART_BYTES, crl.size - part * PART_BYTES));
  let length = 0;
  for (let at = 0; at < bytes.length; at += PIECE_BYTES * PIECES_AT_ONCE) {
    const rows = await sql(tx).query<{ text: string }>(PIECES, [...key, at]);
    if (rows.length === 0) throw replaced(crl);
    // Taken out of the driver's result: that hangs on the one before and on the next, and would grow old with its texts.
    for (const { text } of rows.splice(0)) length += bytes.write(text, length, 'base64');
  }
  return bytes.subarray(0, length);
}

function replaced({ number }: PublishedCrl): AuthorityError {
  return new AuthorityError('CRL_REFUSED', `CRL ${number} was replaced while it was read; read the one in force.`);
}

async function publish(tx: Transaction, crl: PublishedCrl, der: Uint8Array): Promise<void> {
  const key = [crl.issuer, crl.shard, String(crl.number)];
  const rows = await sql(tx).query(
    `insert into published_crls as p (issuer, crl_shard, number, size, entries, sha256, this_update, next_update,
                                      published_at, covers)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     on conflict (issuer, crl_shard) do update
       set number = excluded.number, size = excluded.size, entries = excluded.entries, sha256 = excluded.sha256,
           this_update = excluded.this_update, next_update = excluded.next_update,
           published_at = excluded.published_at, covers = excluded.covers
       where p.number < excluded.number and p.this_update <= excluded.this_update
     returning 1`,
    [
      ...key,
      crl.size,
      crl.entries,
      bytea(crl.sha256),
      crl.thisUpdate,
      crl.nextUpdate,
      crl.publishedAt,
      String(crl.covers),
    ],
  );
  if (rows.length !== 1) {
    throw new AuthorityError('CRL_REFUSED', `A CRL with a number above ${crl.number}, or a later one, is in force.`);
  }
  await sql(tx).query('delete from published_crl_parts where issuer = $1 and crl_shard = $2 and number <> $3', key);
  for (let at = 0; at < der.length; at += PART_BYTES) {
    await sql(tx).query('insert into published_crl_parts values ($1, $2, $3, $4, $5)', [
      ...key,
      at / PART_BYTES,
      bytea(der.subarray(at, at + PART_BYTES)),
    ]);
  }
}
