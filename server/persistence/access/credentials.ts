import type { EntitySchema, FindOptionsWhere } from 'typeorm';
import type { Entity } from '../../licensing/model/entity.ts';
import type { Credentials } from '../../licensing/access/ports.ts';
import type { Transaction } from '../../licensing/ports/transactions.ts';
import { sql } from '../transactions.ts';
import { personSchema, sessionSchema, tokenSchema } from './schemas.ts';

export const credentials: Credentials = {
  async findToken(tx, hash) {
    const token = await one(tx, tokenSchema, { hash });
    const [, id] = /^person:(.+)$/.exec(token?.madeBy ?? '') ?? [];
    return token && { token, maker: id === undefined ? undefined : await one(tx, personSchema, { id }) };
  },

  async findSession(tx, kind, hash) {
    const session = await one(tx, sessionSchema, kind === 'access' ? { accessHash: hash } : { refreshHash: hash });
    const person = session && (await one(tx, personSchema, { id: session.person }));
    return session && person && { session, person };
  },

  async isOwned(tx, at) {
    const [row] = await sql(tx).query<{ owned: boolean }>(
      `select exists (select from people where roles ? 'owner' and enterprise is null
                         and (status = 'active' or (status = 'invited' and invited_until > $1)))
           or exists (select from api_tokens where roles ? 'owner' and enterprise is null and actions is null
                         and revoked_at is null and expires_at > $1) as owned`,
      [at],
    );
    return row?.owned === true;
  },

  findInvited: (tx, hash) => one(tx, personSchema, { invitation: hash }),

  async findSpent(tx, hash) {
    const rows = await sql(tx).query<{ organization: string; session: string }>(
      'select organization, session from spent_refresh_tokens where hash = $1',
      [hash],
    );
    return rows[0];
  },

  async spend(tx, { organization, id, refreshHash }) {
    await sql(tx).query('insert into spent_refresh_tokens (hash, organization, session) values ($1, $2, $3)', [
      refreshHash,
      organization,
      id,
    ]);
  },

  async revokeSessions(tx, person, at, except) {
    const rows = await sql(tx).query(
      `update sessions set revoked_at = $2, updated_at = $2, version = version + 1
        where person = $1 and revoked_at is null and ($3::uuid is null or id <> $3) returning 1`,
      [person, at, except ?? null],
    );
    return rows.length;
  },

  async touch(tx, uses) {
    if (uses.length === 0) return;
    // In the order of the ids, so that two processes that touch the same tokens wait for each other and no more.
    const sorted = uses.toSorted((one, other) => (one.id < other.id ? -1 : 1));
    await sql(tx).query(
      `with used as (select id, at from unnest($1::uuid[], $2::timestamptz[]) as u(id, at)),
            held as (select t.id from api_tokens t join used using (id) order by t.id for update of t)
       update api_tokens t set last_used_at = greatest(t.last_used_at, used.at)
         from used join held using (id) where t.id = used.id`,
      [sorted.map(({ id }) => id), sorted.map(({ at }) => at)],
    );
  },

  async prune(tx, before, limit) {
    const rows = await sql(tx).query(
      `delete from sessions where id in (select id from sessions where ends_at < $1 order by ends_at limit $2) returning 1`,
      [before, limit],
    );
    return rows.length;
  },
};

async function one<T extends Entity>(
  tx: Transaction,
  schema: EntitySchema<T>,
  where: FindOptionsWhere<T>,
): Promise<T | undefined> {
  const found = await sql(tx).manager.getRepository(schema).findOneBy(where);
  return found ?? undefined;
}
