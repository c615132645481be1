/** Started by the durability test with a data folder, to be killed: says how many rows it found, then each row it wrote. */
import { writeSync } from 'node:fs';

import { connectTo } from './durability.ts';

const { client } = await connectTo({ folder: process.argv[2]! });
const { rows } = await client.query<{ n: number; last: number }>(
  'select count(*)::integer as n, coalesce(max(row), 0) as last from acked',
);
writeSync(1, `${rows[0]!.n}\n`);
for (let row = rows[0]!.last + 1; ; row++) {
  await client.query('insert into acked values ($1, $2)', [row, 'x'.repeat((row * 7919) % 2000)]);
  if (row % 50 === 0) await client.query('checkpoint');
  writeSync(1, `${row}\n`);
}
