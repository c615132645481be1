import type { RequestQuotas } from '../../licensing/access/ports.ts';
import { sql } from '../transactions.ts';

export const quotas: RequestQuotas = {
  async add(tx, enterprise, month, requests) {
    const [row] = await sql(tx).query<{ used: string }>(
      `insert into request_quotas as q (organization, enterprise, month, used)
       values (licet_organization(), $1, $2::date, $3)
       on conflict (organization, enterprise, month) do update set used = q.used + excluded.used
       returning used`,
      [enterprise, `${month}-01`, requests],
    );
    return Number(row?.used ?? 0);
  },
};
