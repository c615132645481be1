import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { columns } from '../columns.ts';
import { sql } from '../database.ts';
import { onBothHosts } from './test-database.ts';

type Item = { text: string | null; bytes: Uint8Array | null; at: Date; count: number; isSo: boolean };

/** PostgreSQL knows no NUL in texts, and no half of a surrogate pair. */
const text = fc.string({ unit: 'grapheme' }).filter((one) => !one.includes('\0') && one.isWellFormed());
const item = fc.record<Item>({
  text: fc.option(fc.oneof(text, fc.constantFrom('NULL', 'null', '', ' ', '{}', ',', '"', '\\', '\\"', "'", '\n'))),
  bytes: fc.option(fc.uint8Array({ maxLength: 40 })),
  at: fc.date({
    min: new Date('0001-01-01T00:00:00Z'),
    max: new Date('9999-12-31T23:59:59.999Z'),
    noInvalidDate: true,
  }),
  count: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  isSo: fc.boolean(),
});

onBothHosts('The columns of a batch', (getDatabase) => {
  it('come back from PostgreSQL as the rows that they were made of', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(item, { maxLength: 20 }), async (items) => {
        const rows = await getDatabase().run('platform', (tx) =>
          sql(tx).query<Item>(
            `select text, bytes, at, count, is_so as "isSo" from unnest($1::text[], $2::bytea[], $3::timestamptz[], $4::integer[],
               $5::boolean[]) with ordinality as g(text, bytes, at, count, is_so, number) order by number`,
            columns(
              items,
              (one) => one.text,
              (one) => one.bytes,
              (one) => one.at,
              (one) => one.count,
              (one) => one.isSo,
            ),
          ),
        );
        assert.deepEqual(
          rows.map((row) => ({ ...row, bytes: row.bytes && Uint8Array.from(row.bytes) })),
          items.map((one) => ({ ...one, bytes: one.bytes && Uint8Array.from(one.bytes) })),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('are refused when they hold what has no form in SQL', () => {
    assert.throws(() => columns([{}], (one) => one), TypeError);
    assert.throws(() => columns([Uint8Array.of(1), 'text'], (one) => one), TypeError);
  });
});
