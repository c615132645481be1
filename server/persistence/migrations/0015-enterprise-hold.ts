import type { Migration } from './migration.ts';

/** Whether its CA certificates are on hold: what is certified for it meanwhile is born so. */
const statements = [
  `alter table enterprises add column held boolean not null default false,
     add constraint held_is_suspended check (not held or status = 'suspended')`,
];

export const enterpriseHold: Migration = {
  name: '0015-enterprise-hold',
  async up(query) {
    for (const statement of statements) await query(statement);
  },
};
