import { LicetError } from '../licensing/errors.ts';
import type { Lease, Leases } from '../licensing/ports/leases.ts';
import { sql } from './transactions.ts';

/**
 * A clock may be set back by so much and take nobody's lease. One that ends later still is from a clock that was ahead, of
 * a holder that died by it: nobody could have the name for as long. Should he live, he hears that it was lost.
 */
const STEP = '2 minutes';

// clock_timestamp() and never now(): a transaction that waited for a lock must see the time as it is, not as it was.
export const leases: Leases = {
  async acquire(tx, name, holder, seconds) {
    const [row] = await sql(tx).query<{ token: string }>(
      `insert into leases as held (name, holder, token, expires_at)
       values ($1, $2, 1, clock_timestamp() + make_interval(secs => $3))
       on conflict (name) do update
         set holder = excluded.holder, token = held.token + 1,
             expires_at = clock_timestamp() + make_interval(secs => $3)
       where held.expires_at <= clock_timestamp()
          or held.expires_at > clock_timestamp() + make_interval(secs => $3) + interval '${STEP}'
       returning token`,
      [name, holder, seconds],
    );
    return row === undefined ? undefined : { name, holder, token: BigInt(row.token) };
  },

  async renew(tx, lease, seconds) {
    const rows = await sql(tx).query(
      `update leases set expires_at = clock_timestamp() + make_interval(secs => $3)
        where ${HELD} returning 1`,
      [...identity(lease), seconds],
    );
    return rows.length === 1;
  },

  async release(tx, lease) {
    await sql(tx).query(`update leases set expires_at = '-infinity' where ${HELD}`, identity(lease));
  },

  async assertHeld(tx, lease) {
    const rows = await sql(tx).query(`select 1 from leases where ${HELD} for share`, identity(lease));
    if (rows.length === 1) return;
    const message = `The lease "${lease.name}" is no longer held, so nothing was written; start the work anew.`;
    throw new LicetError('stale', 'LEASE_LOST', message);
  },
};

const HELD = 'name = $1 and token = $2 and expires_at > clock_timestamp()';

function identity(lease: Lease): [string, string] {
  return [lease.name, String(lease.token)];
}
