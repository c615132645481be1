import type { Migration } from './migration.ts';

// Of the orders that are under way, those for the first license of a lineage: whether there is another is asked for each.
const statements = [
  `create index issue_intents_of_lineage on issue_intents ((context ->> 'lineage')) where context ->> 'kind' = 'first'`,
];

export const firstLicenses: Migration = {
  name: '0020-first-licenses',
  async up(query) {
    for (const statement of statements) await query(statement);
  },
};
