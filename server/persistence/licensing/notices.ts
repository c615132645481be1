import type { EndingContract, ExpiringLicense, Notices, OverdueSite } from '../../licensing/ports/notices.ts';
import { sql } from '../transactions.ts';

/**
 * A license lives for 30 days, so three quarters of its life are over at most seven and a half before its end; sites
 * renew before that. So the index shows the few that are late, and not the whole fleet.
 */
const NEAR_DAYS = 10;

export const notices: Notices = {
  async expiring(tx, fractions, at, limit) {
    return sql(tx).query<ExpiringLicense>(
      `with passed as (
         select l.organization, l.serial,
                (select count(*) from unnest($1::float8[]) f
                  where l.not_before + (l.not_after - l.not_before) * f <= $2)::smallint as stage
           from licenses l
          where l.status = 'current' and l.told < 4 and l.not_after < $2::timestamptz + interval '${NEAR_DAYS} days'
       ), due as (
         select p.organization, p.serial, p.stage
           from passed p join licenses l using (organization, serial)
          where p.stage > l.told order by l.not_after limit $3 for update of l skip locked
       )
       update licenses l set told = d.stage from due d
        where l.organization = d.organization and l.serial = d.serial
       returning l.organization, l.serial, l.enterprise, l.site, l.lineage, l.not_before as "notBefore",
                 l.not_after as "notAfter", d.stage`,
      [fractions, at, limit],
    );
  },

  async ending(tx, days, at, limit) {
    return sql(tx).query<EndingContract>(
      `with near as (
         select c.organization, c.id,
                (select min(d) from unnest($1::integer[]) d
                  where c.ends_at <= $2::timestamptz + make_interval(days => d))::smallint as days
           from contracts c
          where c.status in ('active', 'suspended') and c.ends_at > $2
            and c.ends_at <= $2::timestamptz + make_interval(days => (select max(d) from unnest($1::integer[]) d))
       ), due as (
         select n.* from near n join contracts c using (organization, id)
          where c.ending_told_for is distinct from c.ends_at or c.ending_told > n.days
          order by c.ends_at limit $3 for update of c skip locked
       )
       update contracts c set ending_told = d.days, ending_told_for = c.ends_at from due d
        where c.organization = d.organization and c.id = d.id
       returning c.organization, c.id as contract, c.enterprise, c.ends_at as "endsAt", d.days`,
      [days, at, limit],
    );
  },

  async overdue(tx, at, limit) {
    const rows = await sql(tx).query<Omit<OverdueSite, 'lastReport'> & { lastReport: Date | null }>(
      `with late as (
         select s.organization, s.id as site, s.enterprise, s.reported_at as "lastReport",
                'report:' || s.id || ':' || coalesce(extract(epoch from s.reported_at)::bigint::text, 'never') as key
           from sites s join contracts c on c.organization = s.organization and c.id = s.contract
          where s.status = 'active' and c.status = 'active' and c.terms -> 'reporting' ->> 'required' = 'true'
            and coalesce(s.reported_at, s.created_at)
                + make_interval(secs => (c.terms -> 'reporting' ->> 'every')::float8) < $1
       )
       select * from late
        where not exists (select from alerts a where a.organization = late.organization and a.key = late.key)
        order by site limit $2`,
      [at, limit],
    );
    return rows.map((row) => ({ ...row, lastReport: row.lastReport ?? undefined }));
  },
};
