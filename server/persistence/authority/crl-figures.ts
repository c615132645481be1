import type { CrlFigures } from '../../authority/ports/crl-figures.ts';
import type { Transaction } from '../../licensing/ports/transactions.ts';
import { sql } from '../transactions.ts';

type Row = {
  kind: string;
  lists: number;
  entries: string;
  bytes: number;
  number: string;
  oldest_at: Date;
  soonest_end: Date;
};

/** One row for each list in force is read, and none of its parts. */
export async function crlFigures(tx: Transaction): Promise<readonly CrlFigures[]> {
  const rows = await sql(tx).query<Row>(
    `select a.kind, count(*)::integer as lists, sum(p.entries) as entries, max(p.size) as bytes, max(p.number) as number,
            min(p.published_at) as oldest_at, min(p.next_update) as soonest_end
       from published_crls p join authorities a on a.key = p.issuer
      where a.status <> 'retired'
      group by a.kind order by a.kind`,
  );
  return rows.map(({ kind, lists, entries, bytes, number, oldest_at: oldestAt, soonest_end: soonestEnd }) => ({
    kind,
    lists,
    entries: Number(entries),
    bytes,
    number: Number(number),
    oldestAt,
    soonestEnd,
  }));
}
