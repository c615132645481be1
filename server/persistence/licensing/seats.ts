import { MODES, type Mode } from '@licet/format';
import type { Seats } from '../../licensing/ports/stores.ts';
import { sql } from '../transactions.ts';
import { notOver } from './license-row.ts';

export const seats: Seats = {
  async used(tx, contract, except) {
    const live = `from sites where contract = $1 and status <> 'retired' and id is distinct from $2::uuid`;
    const values = [contract, except ?? null];
    const counts = await sql(tx).query<{ mode: Mode; count: number }>(
      `select mode, count(*)::integer as count ${live} group by mode`,
      values,
    );
    const shares = await sql(tx).query<{ code: string; sum: string }>(
      `select s.key as code, sum(s.value::bigint) as sum
         from (select shares ${live} and shares <> '{}') live, jsonb_each_text(live.shares) s group by s.key`,
      values,
    );
    const byMode = new Map(counts.map(({ mode, count }) => [mode, count]));
    return {
      sites: Object.fromEntries(MODES.map((mode) => [mode, byMode.get(mode) ?? 0])) as Record<Mode, number>,
      shares: Object.fromEntries(shares.map(({ code, sum }) => [code, Number(sum)])),
    };
  },

  async endContracts(tx, enterprise, at) {
    const rows = await sql(tx).query(
      `update contracts set status = 'ended', updated_at = $2, version = version + 1
        where enterprise = $1 and status <> 'ended' returning 1`,
      [enterprise, at],
    );
    return rows.length;
  },

  async retireSites(tx, enterprise, at) {
    await sql(tx).query(
      `update lineages l set status = 'closed', held = false
         from sites s where s.enterprise = $1 and l.organization = s.organization and l.site = s.id`,
      [enterprise],
    );
    const rows = await sql(tx).query(
      `update sites set status = 'retired', updated_at = $2, version = version + 1
        where enterprise = $1 and status <> 'retired' returning 1`,
      [enterprise, at],
    );
    await sql(tx).query(
      `update licenses set status = 'revoked' where enterprise = $1 and ${notOver('$2')} and status <> 'revoked'`,
      [enterprise, at],
    );
    return rows.length;
  },
};
