import type { DeclaredIncident, Incidents, LicenseDirectory } from '../../licensing/identity/ports.ts';
import { isId } from '../../licensing/model/id.ts';
import { licenseOf, type LicenseRow } from '../licensing/license-row.ts';
import { pageOf, startOf } from '../licensing/page.ts';
import { sql } from '../transactions.ts';

/** Licenses live 30 days and a grace: whoever was issued before an incident that is older has renewed or is gone. */
const REMEMBERED_DAYS = 90;
const MOST = 100;

type IncidentRow = {
  id: string;
  enterprise: string | null;
  issuer_key: string | null;
  issued_before: Date;
  explanation: string;
  begins_at: Date;
  ends_at: Date;
  created_by: string;
  lifted_at: Date | null;
  lifted_by: string | null;
};

const COLUMNS = `id, enterprise, issuer_key, issued_before, explanation, begins_at, ends_at, created_by, lifted_at,
  lifted_by`;

const incidentOf = (row: IncidentRow): DeclaredIncident => ({
  id: row.id,
  enterprise: row.enterprise ?? undefined,
  issuerKey: row.issuer_key ?? undefined,
  issuedBefore: row.issued_before,
  explanation: row.explanation,
  beginsAt: row.begins_at,
  endsAt: row.ends_at,
  createdBy: row.created_by,
  liftedAt: row.lifted_at ?? undefined,
  liftedBy: row.lifted_by ?? undefined,
});

export const incidents: Incidents = {
  async add(tx, { id, organization, enterprise, issuerKey, issuedBefore, explanation, beginsAt, endsAt, createdBy }) {
    await sql(tx).query(
      `insert into renewal_incidents (id, organization, enterprise, issuer_key, issued_before, explanation, begins_at,
                                      ends_at, created_by, created_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $7)`,
      [id, organization, enterprise ?? null, issuerKey ?? null, issuedBefore, explanation, beginsAt, endsAt, createdBy],
    );
  },

  async get(tx, id) {
    if (!isId(id)) return undefined;
    const query = `select ${COLUMNS} from renewal_incidents where id = $1`;
    return (await sql(tx).query<IncidentRow>(query, [id])).map(incidentOf)[0];
  },

  async list(tx, { after, limit, newestFirst = false }) {
    const [beyond, order] = newestFirst ? ['<', 'desc'] : ['>', 'asc'];
    const rows = await sql(tx).query<IncidentRow>(
      `select ${COLUMNS} from renewal_incidents where ($1::uuid is null or id ${beyond} $1) order by id ${order} limit $2`,
      [startOf(after), limit + 1],
    );
    return pageOf(rows.map(incidentOf), limit);
  },

  async lift(tx, id, by, at) {
    const rows = await sql(tx).query(
      'update renewal_incidents set lifted_at = $3, lifted_by = $2 where id = $1 and lifted_at is null returning 1',
      [id, by, at],
    );
    return rows.length === 1;
  },

  async inForce(tx, at) {
    const rows = await sql(tx).query<IncidentRow>(
      `select ${COLUMNS} from renewal_incidents
        where begins_at <= $1 and ends_at > $1 - make_interval(days => $2) and lifted_at is null
        order by begins_at desc limit $3`,
      [at, REMEMBERED_DAYS, MOST],
    );
    return rows.map(incidentOf);
  },
};

export const licenseDirectory: LicenseDirectory = {
  async bySerial(tx, serial) {
    // A look-up by key for each organization, of which a server has a few: cheaper than an index over all licenses.
    const rows = await sql(tx).query<LicenseRow>(
      `select l.* from organizations o
         cross join lateral (select * from licenses where organization = o.slug and serial = $1) l limit 2`,
      [serial],
    );
    const [row, another] = rows;
    return row === undefined || another !== undefined ? undefined : licenseOf(row);
  },
};
