import type { Migration } from './migration.ts';

const statements = [
  // Which events a subscriber hears; null: all. What nobody hears costs no delivery: an issued license is several events.
  'alter table outbox_subscribers add column types text[]',
];

export const subscriptions: Migration = {
  name: '0013-subscriptions',
  async up(query) {
    for (const statement of statements) await query(statement);
  },
};
