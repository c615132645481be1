import type { Migration } from './migration.ts';

const RECONCILED = `kept_until = '9999-12-31 00:00:00Z' and context ->> 'principal' = 'reconcile'`;

/**
 * `licet reconcile` took the keys of CAs for those of lineages, so that such a CA could not be certified anew: whose they
 * are is said by who asks next. And it did not say for which contract a CA is, so that one which its enterprise keeps was
 * not revoked with the others. Forced row-level security would hide every row from the owner as well.
 */
const statements = [
  'alter table public_keys no force row level security',
  'alter table certificates no force row level security',
  `update public_keys set owner = 'reconciled ' || encode(hash, 'hex')
    where owner in (select 'lineage ' || (context ->> 'grant') from certificates where ${RECONCILED})`,
  `update certificates set context = context || jsonb_build_object('contract', context ->> 'grant')
    where ${RECONCILED} and profile = 'enterprise' and context ? 'grant'`,
  'alter table certificates force row level security',
  'alter table public_keys force row level security',
];

export const reconciledAuthorities: Migration = {
  name: '0022-reconciled-authorities',
  async up(query) {
    for (const statement of statements) await query(statement);
  },
};
