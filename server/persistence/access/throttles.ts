import type { Throttles } from '../../licensing/access/ports.ts';
import { sql } from '../transactions.ts';

/** The algorithm of `rate.ts` in one statement: the row is locked between reading and writing. */
const TAKE = `
  insert into throttles as t (key, arrival) values ($1, $2::timestamptz + make_interval(secs => $3))
  on conflict (key) do update set arrival = greatest(t.arrival, $2) + make_interval(secs => $3)
  where greatest(t.arrival, $2) - $2 <= make_interval(secs => $3 * ($4 - 1))
  returning 1`;

const AFTER_BURST = '$2::timestamptz + make_interval(secs => $3::float8 * $4::float8)';

/** Seconds to wait. What is further off than after a whole burst is from a clock that was ahead, and is brought back. */
const WAIT = `
  with ahead as (update throttles set arrival = ${AFTER_BURST} where key = $1 and arrival > ${AFTER_BURST})
  select extract(epoch from least(arrival, ${AFTER_BURST}) - $2)::float8 - $3::float8 * ($4::float8 - 1) as wait
    from throttles where key = $1`;

export const throttles: Throttles = {
  async take(tx, key, { burst, everySeconds }, at) {
    const taken = await sql(tx).query(TAKE, [key, at, everySeconds, burst]);
    if (taken.length === 1) return 0;
    const [row] = await sql(tx).query<{ wait: number }>(WAIT, [key, at, everySeconds, burst]);
    return Math.max(1, Math.ceil(row?.wait ?? everySeconds));
  },

  async clear(tx, key) {
    await sql(tx).query('delete from throttles where key = $1', [key]);
  },

  async remember(tx, key, until) {
    await sql(tx).query(
      'insert into throttles (key, arrival) values ($1, $2) on conflict (key) do update set arrival = excluded.arrival',
      [key, until],
    );
  },

  async remembers(tx, key, at) {
    return (await sql(tx).query('select 1 from throttles where key = $1 and arrival > $2', [key, at])).length === 1;
  },

  async prune(tx, at, limit) {
    const rows = await sql(tx).query(
      `delete from throttles where key in (select key from throttles where arrival < $1 order by arrival limit $2) returning 1`,
      [at, limit],
    );
    return rows.length;
  },
};
