import type { Migration } from './migration.ts';

export const rootLinks: Migration = {
  name: '0021-root-links',
  async up(query) {
    // Of a root: the certificates by which others vouch for its key (RFC 4210 §4.4), as certs-only CMS.
    await query('alter table authorities add column links bytea');
  },
};
