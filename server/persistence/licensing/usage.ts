import type { Usage, UsageAggregate } from '../../licensing/ports/usage.ts';
import { bytea } from '../columns.ts';
import { sql } from '../transactions.ts';

export const usage: Usage = {
  async add(tx, report, at) {
    const { organization, site, id, enterprise, contract, mode, from, to, users, usage: used, digest } = report;
    const added = await sql(tx).query(
      `insert into usage_reports (organization, site, id, enterprise, contract, mode, period_from, period_to, users,
                                  usage, digest, received_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict do nothing returning 1`,
      [
        organization,
        site,
        id,
        enterprise,
        contract,
        mode,
        from,
        to,
        JSON.stringify(users),
        JSON.stringify(used),
        bytea(digest),
        at,
      ],
    );
    if (added.length === 1) {
      // No change of the site as its operators know it: its version stays.
      await sql(tx).query('update sites set reported_at = greatest(reported_at, $2) where id = $1', [site, to]);
      return 'added';
    }
    const known = await sql(tx).query<{ same: boolean }>(
      'select digest = $3 as same from usage_reports where site = $1 and id = $2',
      [site, id, bytea(digest)],
    );
    return known[0]?.same === true ? 'repeated' : 'conflicting';
  },

  async aggregate(tx, { from, to, enterprise, mode }) {
    return sql(tx).query<UsageAggregate>(AGGREGATE, [from, to, enterprise ?? null, mode ?? null]);
  },
};

// A site counts in the mode of each license that it had in the time, and a report in that of the site when it was made.
const AGGREGATE = `
  with licensed as (
    select enterprise, mode, count(distinct site)::integer as sites
      from licenses
     where not_before < $2 and not_after >= $1 and ($3::uuid is null or enterprise = $3)
       and ($4::text is null or mode = $4)
     group by enterprise, mode
  ), peaks as (
    select r.enterprise, r.mode, r.site, u.key as role, max(u.value::bigint) as peak
      from usage_reports r cross join jsonb_each_text(r.users) u
     where r.period_from < $2 and r.period_to > $1 and ($3::uuid is null or r.enterprise = $3)
       and ($4::text is null or r.mode = $4)
     group by r.enterprise, r.mode, r.site, u.key
  ), sums as (
    select enterprise, mode, role, sum(peak)::float8 as users from peaks group by enterprise, mode, role
  ), roles as (
    select enterprise, mode, jsonb_object_agg(role, users) as users from sums group by enterprise, mode
  ), reporting as (
    select enterprise, mode, count(distinct site)::integer as sites
      from usage_reports
     where period_from < $2 and period_to > $1 and ($3::uuid is null or enterprise = $3)
       and ($4::text is null or mode = $4)
     group by enterprise, mode
  )
  select enterprise, mode, coalesce(l.sites, 0) as sites, coalesce(p.sites, 0) as reporting,
         coalesce(r.users, '{}') as users
    from licensed l full join reporting p using (enterprise, mode) left join roles r using (enterprise, mode)
   order by enterprise, mode`;
