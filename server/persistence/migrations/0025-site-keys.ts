import type { Migration } from './migration.ts';

/**
 * For which key a site was made, if its license was asked for at once, in the place of `request`, which an older server
 * still writes: the same key may come in another request. Forced row-level security would hide every row from the owner too.
 */
const statements = [
  'alter table sites add column key bytea',
  'alter table sites no force row level security',
  'alter table licenses no force row level security',
  `update sites s set key = l.public_key from licenses l
    where s.request is not null and l.organization = s.organization and l.lineage = s.lineage and l.predecessor is null`,
  'alter table licenses force row level security',
  'alter table sites force row level security',
];

export const siteKeys: Migration = {
  name: '0025-site-keys',
  async up(query) {
    for (const statement of statements) await query(statement);
  },
};
