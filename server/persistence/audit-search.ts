import type { AuditRow } from '../licensing/audit/chain.ts';
import type { AuditLog } from '../licensing/ports/audit-log.ts';
import { sql } from './transactions.ts';

export type StoredRow = Omit<AuditRow, 'sequence'> & { sequence: string };

export const rowOf = (row: StoredRow): AuditRow => ({ ...row, sequence: Number(row.sequence) });

/** The columns of a row as the chain hashes them. */
export const ROW = `organization, sequence, actor, action, subject, details,
  coalesce(to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), '') as at,
  encode(previous, 'hex') as previous, encode(hash, 'hex') as hash`;

/**
 * A subject has an index. For the rest a bounded piece of the chain is walked, which costs the same however long the chain
 * is; the next page goes on behind it.
 */
export const searchAuditLog: AuditLog['search'] = async (tx, organization, query) => {
  const { actor, action, subject, from, to, after, newestFirst = false, limit, walk } = query;
  const [beyond, order] = newestFirst ? ['<', 'desc'] : ['>', 'asc'];
  const walked = `select * from audit_log
     where organization = $1 and ($2::bigint is null or sequence ${beyond} $2) and ($3::text is null or subject = $3)
     order by sequence ${order} limit $4`;
  const start = [organization, after ?? null, subject ?? null, walk];
  const rows = await sql(tx).query<StoredRow>(
    `select ${ROW} from (${walked}) walked
      where ($5::text is null or actor = $5) and ($6::text is null or action = $6)
        and ($7::timestamptz is null or at >= $7) and ($8::timestamptz is null or at < $8)
      order by sequence ${order} limit $9`,
    [...start, actor ?? null, action ?? null, from ?? null, to ?? null, limit + 1],
  );
  const page = rows.slice(0, limit).map(rowOf);
  if (rows.length > limit) return { rows: page, next: page.at(-1)?.sequence };
  const [end] = await sql(tx).query<{ count: string; last: string | null }>(
    `select count(*) as count, ${newestFirst ? 'min' : 'max'}(sequence) as last from (${walked}) walked`,
    start,
  );
  const isOver = end === undefined || end.last === null || Number(end.count) < walk;
  return { rows: page, next: isOver ? undefined : Number(end.last) };
};
