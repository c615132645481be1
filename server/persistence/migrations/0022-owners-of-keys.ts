import type { Migration } from './migration.ts';

/**
 * `licet reconcile` took the keys of CAs for those of lineages, so that such a CA could not be certified anew. Whose they
 * are is said by who asks next. Forced row-level security would hide every row from the owner as well.
 */
const statements = [
  'alter table public_keys no force row level security',
  'alter table certificates no force row level security',
  `update public_keys set owner = 'reconciled ' || encode(hash, 'hex')
    where owner in (select 'lineage ' || (c.context ->> 'grant') from certificates c
                     where c.kept_until = '9999-12-31 00:00:00Z' and c.context ->> 'principal' = 'reconcile')`,
  'alter table certificates force row level security',
  'alter table public_keys force row level security',
];

export const ownersOfKeys: Migration = {
  name: '0022-owners-of-keys',
  async up(query) {
    for (const statement of statements) await query(statement);
  },
};
