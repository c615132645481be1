import type { Migration } from './migration.ts';
import { unforced } from './protect.ts';

/**
 * For which key a site was made, if its license was asked for at once, in the place of `request`, which an older server
 * still writes: the same key may come in another request.
 */
const statements = [
  'alter table sites add column key bytea',
  ...unforced(
    ['sites', 'licenses'],
    `update sites s set key = l.public_key from licenses l
    where s.request is not null and l.organization = s.organization and l.lineage = s.lineage and l.predecessor is null`,
  ),
];

export const siteKeys: Migration = {
  name: '0025-site-keys',
  async up(query) {
    for (const statement of statements) await query(statement);
  },
};
