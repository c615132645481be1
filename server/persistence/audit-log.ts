import { type AuditRow, type ChainHead, emptyChain, extendChain, type NewRow } from '../licensing/audit/chain.ts';
import { canonicalJson } from '../licensing/canonical-json.ts';
import { LicetError } from '../licensing/errors.ts';
import type { AuditEvent, AuditLog } from '../licensing/ports/audit-log.ts';
import { columns } from './columns.ts';
import { ROW, rowOf, searchAuditLog, type StoredRow } from './audit-search.ts';
import type { Sql } from './session.ts';
import { sql } from './transactions.ts';

/** Enough for references and digests; what is bigger belongs elsewhere, with its digest here. */
const MAX_DETAILS = 16_384;
const MAX_NAME = 255;

export const auditLog: AuditLog = {
  async append(tx, events) {
    const byChain = Map.groupBy(events.map(newRow), (row) => row.organization);
    if (byChain.size === 0) return [];
    const session = sql(tx);
    const heads = await lockHeads(session, [...byChain.keys()].sort());
    const rows = heads.flatMap((head) => extendChain(head, byChain.get(head.organization) ?? []));
    const ends = heads.map((head) => endOf(head, rows));
    session.unawaited(insert(session, rows, ends));
    return ends;
  },

  async checkpoint(tx, organization) {
    const rows = await sql(tx).query<StoredHead>(`select ${HEAD} from audit_heads where organization = $1`, [
      organization,
    ]);
    return rows.map(headOf)[0];
  },

  async page(tx, organization, after, limit) {
    const head = await this.checkpoint(tx, organization);
    // With ties, because a sequence that is there twice, once the key was dropped, must not hide behind the end of a page.
    const rows = await sql(tx).query<StoredRow>(
      `select ${ROW}
         from audit_log
        where organization = $1 and ($2::bigint is null or sequence > $2)
        order by sequence fetch first $3 rows with ties`,
      [organization, after ?? null, limit],
    );
    return { head, rows: rows.map(rowOf) };
  },

  search: searchAuditLog,

  async chains(tx, after, limit) {
    // One step of an index per chain, where `select distinct` would read every row there is.
    const rows = await sql(tx).query<{ organization: string }>(
      `with recursive chain(organization) as (
         ${nextChain(`$1::text is null or organization > $1 collate "C"`)}
         union all
         select (${nextChain('organization > chain.organization')}) from chain where chain.organization is not null
       )
       select organization from chain where organization is not null limit $2`,
      [after ?? null, limit],
    );
    return rows.map((row) => row.organization);
  },
};

type StoredHead = { organization: string; sequence: string; hash: string };

const HEAD = `organization, sequence, encode(hash, 'hex') as hash`;

function headOf(row: StoredHead): ChainHead {
  return { organization: row.organization, sequence: Number(row.sequence), hash: row.hash };
}

/** Both tables are asked: rows whose head was deleted are a chain too. */
function nextChain(where: string): string {
  return `select least((select min(organization) from audit_log where ${where}),
                       (select min(organization) from audit_heads where ${where})) as organization`;
}

/**
 * Always in the order of the organizations, and all or none, so that two batches over the same chains cannot lock each
 * other out: who holds some of them must not wait for another to begin the rest.
 */
async function lockHeads(session: Sql, organizations: readonly string[]): Promise<ChainHead[]> {
  const lock = (): Promise<StoredHead[]> =>
    session.prepared<StoredHead>(
      `select ${HEAD} from audit_heads
        where organization = any($1::text[])
          and cardinality($1::text[]) = (select count(*) from audit_heads where organization = any($1::text[]))
        order by organization for update`,
      [organizations],
    );
  const found = await lock();
  if (found.length === organizations.length) return found.map(headOf);
  // A chain begins. Whoever else begins it at the same moment waits here, and one of the two rows stays.
  const empty = emptyChain('');
  await session.query(
    `insert into audit_heads (organization, sequence, hash)
     select organization, $2, decode($3, 'hex') from unnest($1::text[]) organization order by organization
     on conflict do nothing`,
    [organizations, empty.sequence, empty.hash],
  );
  return (await lock()).map(headOf);
}

function endOf(head: ChainHead, rows: readonly AuditRow[]): ChainHead {
  const last = rows.findLast((row) => row.organization === head.organization);
  return last === undefined ? head : { organization: last.organization, sequence: last.sequence, hash: last.hash };
}

const ROW_COLUMNS = [
  'organization',
  'sequence',
  'at',
  'actor',
  'action',
  'subject',
  'details',
  'previous',
  'hash',
] as const satisfies readonly (keyof AuditRow)[];
const HEAD_COLUMNS = ['organization', 'sequence', 'hash'] as const satisfies readonly (keyof ChainHead)[];

/** Rows and heads in one statement, however many: this is on the way of every issued license. */
async function insert(session: Sql, rows: readonly AuditRow[], ends: readonly ChainHead[]): Promise<void> {
  await session.prepared(
    `with moved as (
       update audit_heads h set sequence = e.sequence, hash = decode(e.hash, 'hex')
         from unnest($10::text[], $11::bigint[], $12::text[]) as e(organization, sequence, hash)
        where h.organization = e.organization
     )
     insert into audit_log (organization, sequence, at, actor, action, subject, details, previous, hash)
     select organization, sequence, at, actor, action, subject, details, decode(previous, 'hex'), decode(hash, 'hex')
       from unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[],
                   $8::text[], $9::text[])
         as r(organization, sequence, at, actor, action, subject, details, previous, hash)`,
    [
      ...columns(rows, ...ROW_COLUMNS.map((name) => (row: AuditRow) => row[name])),
      ...columns(ends, ...HEAD_COLUMNS.map((name) => (end: ChainHead) => end[name])),
    ],
  );
}

function newRow(event: AuditEvent): NewRow {
  const { organization, actor, action, subject } = event;
  for (const [name, value] of Object.entries({ organization, actor, action, subject })) {
    // Control characters: PostgreSQL refuses NUL, and none has a place in an identifier.
    if (value === '' || value.length > MAX_NAME || /\p{Cc}/u.test(value) || !value.isWellFormed()) {
      throw refusal(name, `must be 1 to ${MAX_NAME} printable characters`);
    }
  }
  if (Number.isNaN(event.at.getTime()) || !/^\d{4}-/.test(event.at.toISOString())) {
    throw refusal('at', 'must be an instant of the years 0 to 9999');
  }
  return { organization, actor, action, subject, at: event.at.toISOString(), details: detailsOf(event) };
}

function detailsOf(event: AuditEvent): string {
  let details;
  try {
    details = canonicalJson(event.details ?? {});
  } catch (cause) {
    throw refusal('details', cause instanceof Error ? cause.message : 'cannot be written as JSON', cause);
  }
  if (details.length > MAX_DETAILS) throw refusal('details', `must be at most ${MAX_DETAILS} characters of JSON`);
  return details;
}

function refusal(member: string, rule: string, cause?: unknown): LicetError {
  const message = `The ${member} of an audit entry is unusable: ${rule}.`;
  return new LicetError('invalid', 'AUDIT_ENTRY_INVALID', message, { pointer: `/${member}`, cause });
}
