import { isId } from '../../licensing/model/id.ts';
import type { Incident } from '../../licensing/licenses/renewal-window.ts';
import type { Incidents } from '../../licensing/ports/incidents.ts';
import { sql } from '../transactions.ts';

type Row = { [K in keyof Incident]: Incident[K] | null };

export const incidents: Incidents = {
  async insert(tx, incident) {
    await sql(tx).query(
      `insert into renewal_incidents (id, organization, enterprise, issuer_key, issued_before, explanation, begins_at,
                                      ends_at, created_by, created_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
      [
        incident.id,
        incident.organization,
        incident.enterprise ?? null,
        incident.issuerKey ?? null,
        incident.issuedBefore,
        incident.explanation,
        incident.beginsAt,
        incident.endsAt,
        incident.createdBy,
        incident.createdAt,
      ],
    );
  },

  async inForce(tx, at) {
    const rows = await sql(tx).query<Row>(
      `select id, organization, enterprise, issuer_key as "issuerKey", issued_before as "issuedBefore", explanation,
              begins_at as "beginsAt", ends_at as "endsAt", created_by as "createdBy", created_at as "createdAt"
         from renewal_incidents where begins_at <= $1 and ends_at > $1 order by id desc`,
      [at],
    );
    return rows.map(
      (row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value ?? undefined])) as Incident,
    );
  },

  async end(tx, id, at) {
    if (!isId(id)) return false;
    const rows = await sql(tx).query(
      'update renewal_incidents set ends_at = $2 where id = $1 and ends_at > $2 returning 1',
      [id, at],
    );
    return rows.length === 1;
  },
};
