import type { Alert } from '../../licensing/model/alert.ts';
import { isId } from '../../licensing/model/id.ts';
import type { Alerts } from '../../licensing/ports/alerts.ts';
import { sql } from '../transactions.ts';
import { pageOf, startOf } from './page.ts';

const COLUMNS = `alerts.id, alerts.organization, alerts.enterprise, alerts.site, alerts.kind, alerts.key, alerts.severity,
  alerts.status, alerts.details, alerts.count, alerts.first_at as "firstAt", alerts.last_at as "lastAt",
  alerts.changed_by as "changedBy"`;

type Row = { [K in keyof Alert]: Alert[K] | null };

const alertOf = (row: Row): Alert =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value ?? undefined])) as Alert;

export const alerts: Alerts = {
  async raise(tx, alert, id, at) {
    const rows = await sql(tx).query<Row & { fresh: boolean }>(
      `insert into alerts (id, organization, enterprise, site, kind, key, severity, status, details, first_at, last_at)
       values ($1, $2, $3, $4, $5, $6, $7, 'open', $8, $9, $9)
       on conflict (organization, key) where status <> 'resolved'
       do update set count = alerts.count + 1, last_at = excluded.last_at, details = excluded.details
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

  async settle(tx, by, at, limit) {
    const rows = await sql(tx).query<Row>(
      `with over as (
         select a.id from alerts a join sites s on s.organization = a.organization and s.id = a.site
          where a.status <> 'resolved' and case a.kind
                  when 'report-overdue' then s.status = 'retired' or s.reported_at > a.first_at
                  when 'clone-suspected' then exists (
                    select from lineages l
                     where l.organization = a.organization and l.id = (a.details ->> 'lineage')::uuid
                       and l.status = 'closed')
                  when 'license-expired' then s.status = 'retired' or exists (
                    select from licenses l
                     where l.organization = a.organization and l.site = a.site and l.status = 'current'
                       and l.not_after > $2)
                  else false end
          order by a.id limit $3 for update of a skip locked
       )
       update alerts set status = 'resolved', changed_by = $1, last_at = $2 from over where alerts.id = over.id
       returning ${COLUMNS}`,
      [by, at, limit],
    );
    return rows.map(alertOf);
  },

  async get(tx, id) {
    if (!isId(id)) return undefined;
    return (await sql(tx).query<Row>(`select ${COLUMNS} from alerts where id = $1`, [id])).map(alertOf)[0];
  },

  async list(tx, { enterprise, site, status, kind, severity, after, limit }) {
    const rows = await sql(tx).query<Row>(
      `select ${COLUMNS} from alerts
        where ($1::uuid is null or enterprise = $1) and ($2::uuid is null or site = $2)
          and ($3::text is null or status = $3) and ($4::uuid is null or id > $4)
          and ($6::text is null or kind = $6) and ($7::text is null or severity = $7)
        order by id limit $5`,
      [enterprise ?? null, site ?? null, status ?? null, startOf(after), limit + 1, kind ?? null, severity ?? null],
    );
    return pageOf(rows.map(alertOf), limit);
  },
};
