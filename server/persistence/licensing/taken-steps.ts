import type { Intent } from '@licet/authority';
import { hex, columns } from '../columns.ts';
import type { Taken } from '../authority/reserve.ts';
import { sql } from '../transactions.ts';
import { bindRenewals } from './bind-renewals.ts';

/** The steps of lineages that others have taken: each is taken once, the first as the next. */
export const takenSteps: Taken = async (tx, intents) => {
  // Lineages are locked before licenses, as by whoever commits.
  const [firsts, renewals] = await Promise.all([takenFirsts(tx, intents), bindRenewals(tx, intents)]);
  return firsts.size === 0 ? renewals : new Map([...firsts, ...renewals]);
};

// Who commits the first license has the lock until it is there, or still stands in the intents.
const LOCK = 'select 1 from lineages where id = any($1::uuid[]) order by id for update';

// What was issued for this very request may be asked for again, for as long as that is valid.
const TAKEN = `
  select a.number::integer as number
    from unnest($1::uuid[], $2::bytea[], $3::timestamptz[]) with ordinality as a(lineage, request, at, number)
    join lineages l on l.id = a.lineage
   where l.head is not null
         and not exists (select 1 from issue_requests r where r.request = a.request and r.not_after > a.at)
      or exists (select 1 from issue_intents i
                  where i.context ->> 'kind' = 'first' and i.context ->> 'lineage' = a.lineage::text
                    and i.request <> a.request)`;

/**
 * A lineage has one first license, whatever its use case has seen before: another, for a request that is as old as the
 * lineage, would be a license beside all the renewals, past the ratchet and past a revocation. Two statements, and none
 * for renewals.
 */
async function takenFirsts(...[tx, intents]: Parameters<Taken>): ReturnType<Taken> {
  const firsts = intents.filter(isFirst);
  if (firsts.length === 0) return new Map();
  const values = columns(
    firsts,
    ({ context: { lineage } }) => lineage,
    ({ request }) => request,
    ({ at }) => at,
  );
  const [, rows] = await Promise.all([
    sql(tx).prepared(LOCK, values.slice(0, 1)),
    sql(tx).prepared<{ number: number }>(TAKEN, values),
  ]);
  const taken = new Set(rows.map(({ number }) => firsts[number - 1]!));
  const begun = new Map<string, string>();
  for (const one of firsts.filter((intent) => !taken.has(intent))) {
    const { lineage = '' } = one.context;
    if ((begun.get(lineage) ?? hex(one.request)) === hex(one.request)) begun.set(lineage, hex(one.request));
    else taken.add(one);
  }
  return new Map([...taken].map((intent) => [intent, { outcome: 'first-taken' }]));
}

/** Builds share the lineage of their site: each has a license of its own, which ends by itself, and none is the first. */
const isFirst = ({ context: { kind } }: Intent): boolean => kind === 'first';
