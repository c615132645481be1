import type { Licenses } from '../../licensing/ports/licenses.ts';
import { sql } from '../transactions.ts';
import { LICENSE_COLUMNS, licenseOf, type LicenseRow, lineageOf, type LineageRow } from './license-row.ts';
import { listForks, listLicenses } from './license-lists.ts';
import { revokedAuthorities, standings } from './standings.ts';
import { beginRenewals, releaseRenewal, renewalCases } from './renewals.ts';

const LINEAGE = 'id, organization, site, sequence, head, status, held, forked_from';

export const licenses: Licenses = {
  async addLineage(tx, { id, organization, site, status }) {
    await sql(tx).query('insert into lineages (id, organization, site, status) values ($1, $2, $3, $4)', [
      id,
      organization,
      site,
      status,
    ]);
  },

  async lineage(tx, id) {
    const rows = await sql(tx).query<LineageRow>(`select ${LINEAGE} from lineages where id = $1`, [id]);
    return rows.map(lineageOf)[0];
  },

  async lockLineage(tx, id) {
    const rows = await sql(tx).query<LineageRow>(`select ${LINEAGE} from lineages where id = $1 for update`, [id]);
    return rows.map(lineageOf)[0];
  },

  async setLineage(tx, id, { status, held, forkedFrom }) {
    await sql(tx).query('update lineages set status = $2, held = $3, forked_from = $4 where id = $1', [
      id,
      status,
      held,
      forkedFrom ?? null,
    ]);
  },

  async get(tx, serial) {
    const query = `select ${LICENSE_COLUMNS} from licenses where serial = $1`;
    return (await sql(tx).query<LicenseRow>(query, [serial])).map(licenseOf)[0];
  },

  list: listLicenses,
  forks: listForks,
  standings,
  revokedAuthorities,
  renewalCases,
  beginRenewals,
  releaseRenewal,
};
