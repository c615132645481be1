import type { EnrolmentToken } from '../../licensing/model/enrolment-token.ts';
import { isId } from '../../licensing/model/id.ts';
import type { EnrolmentTokens } from '../../licensing/ports/enrolment-tokens.ts';
import { bytea } from '../authority/columns.ts';
import { sql } from '../transactions.ts';
import { pageOf, startOf } from './page.ts';

const COLUMNS = `id, organization, hash, enterprise, contract, mode, name, fingerprint, site, lineage, request,
  expires_at as "expiresAt", used_at as "usedAt", withdrawn_at as "withdrawnAt", created_at as "createdAt",
  created_by as "createdBy"`;

type Row = { [K in keyof EnrolmentToken]: EnrolmentToken[K] | null };

const tokenOf = (row: Row): EnrolmentToken =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value ?? undefined])) as EnrolmentToken;

export const enrolmentTokens: EnrolmentTokens = {
  async insert(tx, token) {
    await sql(tx).query(
      `insert into enrolment_tokens (id, organization, hash, enterprise, contract, mode, name, fingerprint, site,
                                     expires_at, created_at, created_by)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
      [
        token.id,
        token.organization,
        bytea(token.hash),
        token.enterprise,
        token.contract,
        token.mode,
        token.name ?? null,
        token.fingerprint ?? null,
        token.site ?? null,
        token.expiresAt,
        token.createdAt,
        token.createdBy,
      ],
    );
  },

  async lock(tx, hash) {
    const query = `select ${COLUMNS} from enrolment_tokens where hash = $1 for update`;
    return (await sql(tx).query<Row>(query, [bytea(hash)])).map(tokenOf)[0];
  },

  async get(tx, id) {
    if (!isId(id)) return undefined;
    return (await sql(tx).query<Row>(`select ${COLUMNS} from enrolment_tokens where id = $1`, [id])).map(tokenOf)[0];
  },

  async use(tx, id, { request, site, lineage }, at) {
    await sql(tx).query(
      'update enrolment_tokens set request = $2, site = $3, lineage = $4, used_at = $5 where id = $1',
      [id, bytea(request), site, lineage, at],
    );
  },

  async release(tx, id, request) {
    await sql(tx).query('update enrolment_tokens set request = null, used_at = null where id = $1 and request = $2', [
      id,
      bytea(request),
    ]);
  },

  async withdraw(tx, id, at) {
    const rows = await sql(tx).query(
      'update enrolment_tokens set withdrawn_at = $2 where id = $1 and request is null and withdrawn_at is null returning 1',
      [id, at],
    );
    return rows.length === 1;
  },

  async list(tx, { enterprise, after, limit }) {
    const rows = await sql(tx).query<Row>(
      `select ${COLUMNS} from enrolment_tokens
        where ($1::uuid is null or enterprise = $1) and ($2::uuid is null or id > $2) order by id limit $3`,
      [enterprise ?? null, startOf(after), limit + 1],
    );
    return pageOf(rows.map(tokenOf), limit);
  },
};
