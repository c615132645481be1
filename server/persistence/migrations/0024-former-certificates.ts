import type { Migration } from './migration.ts';

export const formerCertificates: Migration = {
  name: '0024-former-certificates',
  async up(query) {
    // Of a CA that was certified elsewhere: what its key was given before, as certs-only CMS.
    await query('alter table authorities add column former bytea');
  },
};
