import type { Migration } from './migration.ts';

/**
 * A certificate can be used until the end of the grace in its own claims, so until then it can be revoked, stands on CRLs
 * and is one of the licenses of its site. Rows that were here before, or that an older server writes beside this one, have
 * a year and a day: their claims are in no row, and an entry that stays too long does no harm.
 */
const GRACE = 'add column grace bigint not null default 31622400';

const statements = [
  // Beyond 9999 there are no dates (RFC 5280 4.1.2.5), and a grace may lead there.
  `create function licet_grace_until(not_after timestamptz, grace bigint) returns timestamptz
   language sql immutable parallel safe as $$
     select least((not_after at time zone 'UTC' + make_interval(secs => least(grace, 300000000000))) at time zone 'UTC',
                  '9999-12-31 23:59:59Z'::timestamptz)
   $$`,
  `alter table serials ${GRACE}`,
  `alter table licenses ${GRACE}`,
  `alter table revocations ${GRACE},
     add column grace_until timestamptz(3) generated always as (licet_grace_until(not_after, grace)) stored`,
  'drop index revocations_in_crl',
  // Only what can still be used is walked, however much is over.
  'create index revocations_in_crl on revocations (issuer, crl_shard, grace_until, serial) where reason <> 8',
];

export const grace: Migration = {
  name: '0019-grace',
  async up(query) {
    for (const statement of statements) await query(statement);
  },
};
