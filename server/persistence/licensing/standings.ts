import type { AuthorityName, Licenses, Standing } from '../../licensing/ports/licenses.ts';
import type { Transaction } from '../../licensing/ports/transactions.ts';
import { columns } from '../columns.ts';
import { sql } from '../transactions.ts';

type StandingRow = Omit<Standing, 'reportedAt'> & { number: number; reportedAt: Date | null };

// The status of the certificate counts as well as that of the license: a hold is 6, one that was undone 8 (RFC 5280
// 5.3.1).
const STANDINGS = `
  select asked.number::integer as number, l.organization, l.serial, l.enterprise, l.site,
         case when l.status = 'revoked' or r.reason not in (6, 8) then 'revoked'
              when r.reason = 6 then 'suspended' else l.status end as status,
         g.status as lineage, g.held, s.reported_at as "reportedAt", o.settings ->> 'onFork' as "onFork",
         (select last from revocation_changes) as change
    from unnest($1::text[], $2::text[]) with ordinality as asked(organization, serial, number)
    join licenses l on l.organization = asked.organization and l.serial = asked.serial
    join lineages g on g.organization = l.organization and g.id = l.lineage
    join sites s on s.organization = l.organization and s.id = l.site
    join organizations o on o.organization = l.organization
    left join revocations r on r.issuer = l.issuer_key and r.serial = decode(l.serial, 'hex')`;

export const standings: Licenses['standings'] = async (tx, asks) => {
  const rows = await sql(tx).prepared<StandingRow>(
    STANDINGS,
    columns(
      asks,
      ({ organization }) => organization,
      ({ serial }) => serial,
    ),
  );
  const byNumber = new Map(
    rows.map(({ number, reportedAt, ...row }) => [number, { ...row, reportedAt: reportedAt ?? undefined }]),
  );
  return asks.map((_, index) => byNumber.get(index + 1));
};

export async function revokedAuthorities(
  tx: Transaction,
  names: readonly AuthorityName[],
): Promise<readonly AuthorityName[]> {
  const rows = await sql(tx).query<{ number: number }>(
    `select asked.number::integer as number
       from unnest($1::bytea[], $2::bytea[]) with ordinality as asked(issuer, serial, number)
       join authorities a on a.key_identifier = asked.issuer
       join revocations r on r.issuer = a.key and r.serial = asked.serial and r.reason <> 8`,
    columns(
      names,
      ({ issuer }) => issuer,
      ({ serial }) => serial,
    ),
  );
  const revoked = new Set(rows.map(({ number }) => number));
  return names.filter((_, index) => revoked.has(index + 1));
}
