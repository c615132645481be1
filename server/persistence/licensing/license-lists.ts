import { isId } from '../../licensing/model/id.ts';
import { LicetError } from '../../licensing/errors.ts';
import type { Fork, Licenses } from '../../licensing/ports/licenses.ts';
import { sql } from '../transactions.ts';
import { LICENSE_COLUMNS, licenseOf, type LicenseRow, notOver } from './license-row.ts';
import { startOf } from './page.ts';

/** Where the page after this license begins: its end and, because several may end at once, its serial. */
const cursorOf = ({ not_after, serial }: LicenseRow): string => `${not_after.getTime()}.${serial}`;

function positionOf(after: string | undefined): readonly [end: Date | null, serial: string | null] {
  if (after === undefined) return [null, null];
  const [, ms, serial] = /^(\d{1,15})\.([0-9a-f]{1,40})$/.exec(after) ?? [];
  if (ms !== undefined && serial !== undefined) return [new Date(Number(ms)), serial];
  throw new LicetError('invalid', 'CURSOR_INVALID', 'The cursor is not one that a page has named as next.');
}

export const listLicenses: Licenses['list'] = async (tx, query) => {
  const { enterprise, contract, site, lineage, status, mode, serial, after, newestFirst = false, limit } = query;
  const ids = [enterprise, contract, site, lineage];
  // What can be no id is nobody's, and the database would refuse it.
  if (ids.some((id) => id !== undefined && !isId(id))) return { items: [], next: undefined };
  const [beyond, order] = newestFirst ? ['<', 'desc'] : ['>', 'asc'];
  const rows = await sql(tx).query<LicenseRow>(
    `select ${LICENSE_COLUMNS} from licenses
      where ($1::uuid is null or enterprise = $1) and ($2::uuid is null or contract = $2)
        and ($3::uuid is null or site = $3) and ($4::uuid is null or lineage = $4)
        and ($5::text is null or status = $5) and ($6::text is null or mode = $6)
        and ($7::text is null or serial = $7)
        and ($8::timestamptz is null or (not_after, serial) ${beyond} ($8, $9::text))
      order by not_after ${order}, serial ${order} limit $10`,
    [...[...ids, status, mode, serial].map((value) => value ?? null), ...positionOf(after), limit + 1],
  );
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  return { items: rows.slice(0, limit).map(licenseOf), next: last && cursorOf(last) };
};

type ForkRow = Omit<Fork, 'forkedFrom' | 'licenses'> & { forkedFrom: string | null };

export const listForks: Licenses['forks'] = async (tx, { enterprise, after, limit }, at) => {
  const rows = await sql(tx).query<ForkRow>(
    `select g.id as lineage, s.id as site, s.name, s.enterprise, g.forked_from as "forkedFrom"
       from lineages g join sites s on s.organization = g.organization and s.id = g.site
      where g.status = 'forked' and ($1::uuid is null or s.enterprise = $1) and ($2::uuid is null or g.id > $2)
      order by g.id limit $3`,
    [enterprise ?? null, startOf(after), limit + 1],
  );
  const page = rows.slice(0, limit);
  const licenses = await sql(tx).query<LicenseRow>(
    `select ${LICENSE_COLUMNS} from licenses where lineage = any($1::uuid[]) and ${notOver('$2')}
      order by sequence desc, serial`,
    [page.map(({ lineage }) => lineage), at],
  );
  const items = page.map((row) => ({
    ...row,
    forkedFrom: row.forkedFrom ?? undefined,
    licenses: licenses.filter(({ lineage }) => lineage === row.lineage).map(licenseOf),
  }));
  return { items, next: rows.length > limit ? page.at(-1)?.lineage : undefined };
};
