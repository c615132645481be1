import type { Incidents, LicenseDirectory } from '../../licensing/identity/ports.ts';
import { licenseOf, type LicenseRow } from '../licensing/license-row.ts';
import { sql } from '../transactions.ts';

/** Licenses live 30 days and a grace: whoever was issued before an incident that is older has renewed or is gone. */
const REMEMBERED_DAYS = 90;
const MOST = 100;

type IncidentRow = {
  enterprise: string | null;
  issuer_key: string | null;
  issued_before: Date;
  explanation: string;
  begins_at: Date;
  ends_at: Date;
};

export const incidents: Incidents = {
  async add(tx, { id, organization, enterprise, issuerKey, issuedBefore, explanation, beginsAt, endsAt, createdBy }) {
    await sql(tx).query(
      `insert into renewal_incidents (id, organization, enterprise, issuer_key, issued_before, explanation, begins_at,
                                      ends_at, created_by, created_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $7)`,
      [id, organization, enterprise ?? null, issuerKey ?? null, issuedBefore, explanation, beginsAt, endsAt, createdBy],
    );
  },
  async inForce(tx, at) {
    const rows = await sql(tx).query<IncidentRow>(
      `select enterprise, issuer_key, issued_before, explanation, begins_at, ends_at from renewal_incidents
        where begins_at <= $1 and ends_at > $1 - make_interval(days => $2) order by begins_at desc limit $3`,
      [at, REMEMBERED_DAYS, MOST],
    );
    return rows.map((row) => ({
      enterprise: row.enterprise ?? undefined,
      issuerKey: row.issuer_key ?? undefined,
      issuedBefore: row.issued_before,
      explanation: row.explanation,
      beginsAt: row.begins_at,
      endsAt: row.ends_at,
    }));
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
