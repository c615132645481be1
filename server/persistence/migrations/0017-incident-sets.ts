import type { Migration } from './migration.ts';

/** More ways to say which licenses an incident is about: what they are sold under, what they are for, or one by one. */
const statements = [
  'alter table renewal_incidents add column contract uuid, add column product text, add column serials text[]',
];

export const incidentSets: Migration = {
  name: '0017-incident-sets',
  async up(query) {
    for (const statement of statements) await query(statement);
  },
};
