import type { Migration } from './migration.ts';

/** Which sites stand for builds and workloads, by the rule that lets those in: their licenses of hours are not renewed. */
const statements = ['alter table sites add column trust_rule uuid'];

export const workloadSites: Migration = {
  name: '0016-workload-sites',
  async up(query) {
    for (const statement of statements) await query(statement);
  },
};
