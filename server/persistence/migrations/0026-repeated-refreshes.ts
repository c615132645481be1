import type { Migration } from './migration.ts';

/** The refresh token before the present one, and until when it may come again. */
const statement = 'alter table sessions add column former_hash text, add column former_until timestamptz(3)';

export const repeatedRefreshes: Migration = {
  name: '0026-repeated-refreshes',
  async up(query) {
    await query(statement);
  },
};
