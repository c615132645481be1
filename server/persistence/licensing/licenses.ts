import type { Licenses } from '../../licensing/ports/licenses.ts';
import { sql } from '../transactions.ts';
import { LICENSE_COLUMNS, licenseOf, type LicenseRow, lineageOf, type LineageRow, notOver } from './license-row.ts';
import { listForks, listLicenses } from './license-lists.ts';
import { revokedAuthorities, standings } from './standings.ts';
import { releaseRenewal, renewalCases } from './renewals.ts';

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

  async lockLineages(tx, site) {
    const rows = await sql(tx).query<LineageRow>(
      `select ${LINEAGE} from lineages where site = $1 and status <> 'closed' order by id for update`,
      [site],
    );
    return rows.map(lineageOf);
  },

  async get(tx, serial) {
    const query = `select ${LICENSE_COLUMNS} from licenses where serial = $1`;
    return (await sql(tx).query<LicenseRow>(query, [serial])).map(licenseOf)[0];
  },

  async issuers(tx, serials) {
    const rows = await sql(tx).query<{ serial: string; issuer_key: string }>(
      'select serial, issuer_key from licenses where serial = any($1)',
      [serials],
    );
    return new Map(rows.map(({ serial, issuer_key: issuer }) => [serial, issuer]));
  },

  async held(tx, serials) {
    const rows = await sql(tx).query<{ serial: string }>(
      'select l.serial from licenses l join lineages g on g.id = l.lineage where l.serial = any($1) and g.held',
      [serials],
    );
    return new Set(rows.map(({ serial }) => serial));
  },

  async notOver(tx, lineage, at) {
    const rows = await sql(tx).query<LicenseRow>(
      `select ${LICENSE_COLUMNS} from licenses where lineage = $1 and ${notOver('$2')} order by sequence desc, serial`,
      [lineage, at],
    );
    return rows.map(licenseOf);
  },

  async nthNewest(tx, lineage, n, at) {
    const rows = await sql(tx).query<{ not_before: Date }>(
      `select not_before from licenses where lineage = $1 and not_before <= $3
        order by sequence desc, serial offset $2 - 1 limit 1`,
      [lineage, n, at],
    );
    return rows[0]?.not_before;
  },

  async setStatus(tx, serials, status) {
    if (serials.length === 0) return;
    await sql(tx).query('update licenses set status = $2 where serial = any($1)', [serials, status]);
  },

  async goOnFrom(tx, serial) {
    await sql(tx).query(
      `with survivor as (
         update licenses set status = case when status = 'superseded' then 'current' else status end,
                renewal_request = null, renewal_key = null, renewal_at = null, successor = null, reissued_as = null
          where serial = $1 returning organization, lineage, serial
       )
       update lineages g set head = s.serial from survivor s where g.organization = s.organization and g.id = s.lineage`,
      [serial],
    );
  },

  list: listLicenses,
  forks: listForks,
  standings,
  revokedAuthorities,
  renewalCases,
  releaseRenewal,
};
