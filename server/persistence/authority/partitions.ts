import type { Transaction } from '../../licensing/ports/transactions.ts';
import { sql } from '../transactions.ts';

/** A service certificate lives 90 days; the rest is slack for a job that did not run. */
const MONTHS_AHEAD = 7;

/** Makes the partitions that certificates issued from now on will fall into. Returns how many were new. */
export async function makeCertificatePartitions(tx: Transaction, now: Date): Promise<number> {
  const rows = await sql(tx).query<{ made: number }>('select licet_make_certificate_partitions($1, $2) as made', [
    now,
    MONTHS_AHEAD,
  ]);
  return rows[0]?.made ?? 0;
}
