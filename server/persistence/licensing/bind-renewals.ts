import type { Intent, Reservation } from '@licet/authority';
import { ABANDONED_AFTER_MS } from '../../licensing/licenses/judge-renewal.ts';
import type { Transaction } from '../../licensing/ports/transactions.ts';
import { columns } from '../columns.ts';
import { sql } from '../transactions.ts';

// Locked in the order of their names, so that batches with the same licenses wait for each other instead of
// deadlocking. Who waited judges by what is there then: another request may have been first, or the site has changed and
// its license has another in its place, which the request has to be judged by.
const BIND = `
  with asked as (
    select * from unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[], $5::timestamptz[]) with ordinality
      as a(organization, serial, request, key, at, number)
  ), locked as (
    select l.organization, l.serial, l.renewal_request as request from licenses l join asked using (organization, serial)
     order by l.organization, l.serial for update of l
  ), bound as (
    update licenses l set renewal_request = a.request, renewal_key = a.key, renewal_at = a.at
      from (select distinct on (organization, serial) * from asked order by organization, serial, number) a
      join locked using (organization, serial)
     where l.organization = a.organization and l.serial = a.serial and l.successor is null and l.reissued_as is null
       and (l.renewal_request is null or l.renewal_at <= a.at - make_interval(secs => ${ABANDONED_AFTER_MS / 1000}))
    returning l.organization, l.serial, l.renewal_request as request
  )
  select a.number::integer as number from asked a
   where exists (select 1 from bound b where (b.organization, b.serial, b.request) = (a.organization, a.serial, a.request))
      or exists (select 1 from locked k where (k.organization, k.serial, k.request) = (a.organization, a.serial, a.request))`;

/**
 * The ratchet: binds each license that is to be renewed to the request that renews it, in the transaction that records
 * the request, so at most one request in the world has it. One of which nothing came for long gives way. Returns those
 * that were too late. One statement.
 */
export async function bindRenewals(
  tx: Transaction,
  intents: readonly Intent[],
): Promise<ReadonlyMap<Intent, Reservation>> {
  const renewals = intents.filter(({ context: { kind } }) => kind === 'renewal');
  if (renewals.length === 0) return new Map();
  const rows = await sql(tx).prepared<{ number: number }>(
    BIND,
    columns(
      renewals,
      ({ organization }) => organization,
      ({ context: { predecessor } }) => predecessor,
      ({ csr }) => csr,
      ({ publicKey }) => publicKey,
      ({ at }) => at,
    ),
  );
  const bound = new Set(rows.map(({ number }) => number));
  const late = renewals.filter((_, index) => !bound.has(index + 1));
  return new Map(late.map((intent) => [intent, { outcome: 'renewal-taken' }]));
}
