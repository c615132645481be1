import type { Alert } from '../../licensing/model/alert.ts';
import { isId } from '../../licensing/model/id.ts';
import type { Alerts } from '../../licensing/ports/alerts.ts';
import { sql } from '../transactions.ts';
import { pageOf, startOf } from './page.ts';

const COLUMNS = `id, organization, enterprise, site, kind, key, severity, status, details, count,
  first_at as "firstAt", last_at as "lastAt", changed_by as "changedBy"`;

type Row = { [K in keyof Alert]: Alert[K] | null };

const alertOf = (row: Row): Alert =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value ?? undefined])) as Alert;

export const alerts: Alerts = {
  async raise(tx, alert, id, at) {
    const rows = await sql(tx).query<Row & { fresh: boolean }>(
      `insert into alerts as known (id, organization, enterprise, site, kind, key, severity, status, details,
                                    first_at, last_at)
       values ($1, $2, $3, $4, $5, $6, $7, 'open', $8, $9, $9)
       on conflict (organization, key) where status <> 'resolved'
       do update set count = known.count + 1, last_at = excluded.last_at, details = excluded.details
       returning ${COLUMNS}, (xmax = 0) as fresh`,
      [
        id,
        alert.organization,
        alert.enterprise ?? null,
        alert.site ?? null,
        alert.kind,
        alert.key,
        alert.severity,
        JSON.stringify(alert.details),
        at,
      ],
    );
    const { fresh, ...row } = rows[0]!;
    return { alert: alertOf(row), fresh };
  },

  async lock(tx, id) {
    if (!isId(id)) return undefined;
    return (await sql(tx).query<Row>(`select ${COLUMNS} from alerts where id = $1 for update`, [id])).map(alertOf)[0];
  },

  async setStatus(tx, id, status, by, at) {
    await sql(tx).query('update alerts set status = $2, changed_by = $3, last_at = $4 where id = $1', [
      id,
      status,
      by,
      at,
    ]);
  },

  async resolve(tx, key, by, at) {
    const rows = await sql(tx).query<Row>(
      `update alerts set status = 'resolved', changed_by = $2, last_at = $3
        where key = $1 and status <> 'resolved' returning ${COLUMNS}`,
      [key, by, at],
    );
    return rows.map(alertOf)[0];
  },

  async list(tx, { enterprise, site, status, after, limit }) {
    const rows = await sql(tx).query<Row>(
      `select ${COLUMNS} from alerts
        where ($1::uuid is null or enterprise = $1) and ($2::uuid is null or site = $2)
          and ($3::text is null or status = $3) and ($4::uuid is null or id > $4)
        order by id limit $5`,
      [enterprise ?? null, site ?? null, status ?? null, startOf(after), limit + 1],
    );
    return pageOf(rows.map(alertOf), limit);
  },
};
