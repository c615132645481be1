import type { PendingSignIn } from '../../licensing/access/model.ts';
import type { PendingSignIns } from '../../licensing/access/ports.ts';
import { sql } from '../transactions.ts';

export const signIns: PendingSignIns = {
  async insert(tx, { state, organization, provider, browser, nonce, verifier, expiresAt }) {
    await sql(tx).query(
      `insert into sign_ins (state, organization, provider, browser, nonce, verifier, expires_at)
       values ($1, $2, $3, $4, $5, $6, $7)`,
      [state, organization, provider, browser, nonce, verifier, expiresAt],
    );
  },

  async take(tx, state) {
    const rows = await sql(tx).query<PendingSignIn>(
      `delete from sign_ins where state = $1
       returning state, organization, provider, browser, nonce, verifier, expires_at as "expiresAt"`,
      [state],
    );
    return rows[0];
  },

  async prune(tx, at, limit) {
    const rows = await sql(tx).query(
      `delete from sign_ins where state in
         (select state from sign_ins where expires_at < $1 order by expires_at limit $2) returning 1`,
      [at, limit],
    );
    return rows.length;
  },
};
