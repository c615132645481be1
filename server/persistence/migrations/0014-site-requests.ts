import type { Migration } from './migration.ts';

/** Which request a site was made with, so that the same request again finds it, whatever became of the first answer. */
const statements = ['alter table sites add column request bytea'];

export const siteRequests: Migration = {
  name: '0014-site-requests',
  async up(query) {
    for (const statement of statements) await query(statement);
  },
};
