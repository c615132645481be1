import type { EnrolmentToken } from '../../licensing/model/enrolment-token.ts';
import { isId } from '../../licensing/model/id.ts';
import type { EnrolmentTokens } from '../../licensing/ports/enrolment-tokens.ts';
import { bytea } from '../columns.ts';
import { sql } from '../transactions.ts';
import { pageOf, startOf } from './page.ts';

// `request` and `asked_request` are older than what they are for: both hold the key. A server of an earlier version, which
// compares them with the hash of a request, takes no repetition for the first use.
const COLUMNS = `id, organization, hash, enterprise, contract, mode, name, fingerprint, site, lineage, request as key,
  expires_at as "expiresAt", used_at as "usedAt", withdrawn_at as "withdrawnAt", created_at as "createdAt",
  created_by as "createdBy", approval, decided_by as "decidedBy",
  asked_key as "askedKey", asked_name as "askedName", asked_at as "askedAt"`;

type Plain = Omit<EnrolmentToken, 'asked'>;
type Row = { [K in keyof Plain]: Plain[K] | null } & {
  readonly askedKey: Uint8Array | null;
  readonly askedName: string | null;
  readonly askedAt: Date | null;
};

function tokenOf({ askedKey, askedName, askedAt, ...row }: Row): EnrolmentToken {
  const plain = Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value ?? undefined])) as Plain;
  // The table sees to it that both are there or none.
  if (askedKey === null || askedAt === null) return { ...plain, asked: undefined };
  return { ...plain, asked: { key: askedKey, name: askedName ?? undefined, at: askedAt } };
}

export const enrolmentTokens: EnrolmentTokens = {
  async insert(tx, token) {
    await sql(tx).query(
      `insert into enrolment_tokens (id, organization, hash, enterprise, contract, mode, name, fingerprint, site,
                                     expires_at, created_at, created_by, approval)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
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
        token.approval ?? null,
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

  async use(tx, id, { key, site, lineage }, at) {
    await sql(tx).query(
      'update enrolment_tokens set request = $2, site = $3, lineage = $4, used_at = $5 where id = $1',
      [id, bytea(key), site, lineage, at],
    );
  },

  async ask(tx, id, { key, name, at }) {
    await sql(tx).query(
      `update enrolment_tokens set asked_request = $2, asked_key = $2, asked_name = $3, asked_at = $4 where id = $1`,
      [id, bytea(key), name ?? null, at],
    );
  },

  async decide(tx, id, decision, by) {
    const rows = await sql(tx).query(
      `update enrolment_tokens set approval = $2, decided_by = $3
        where id = $1 and approval = 'needed' and asked_request is not null and withdrawn_at is null returning 1`,
      [id, decision, by],
    );
    return rows.length === 1;
  },

  async release(tx, id, key) {
    await sql(tx).query(
      `update enrolment_tokens set request = null, used_at = null, asked_request = null, asked_key = null,
              asked_name = null, asked_at = null, approval = case when approval is null then null else 'needed' end
        where id = $1 and request = $2
          and not exists (select 1 from lineages l where l.id = enrolment_tokens.lineage and l.head is not null)`,
      [id, bytea(key)],
    );
  },

  async withdraw(tx, id, at) {
    const rows = await sql(tx).query(
      'update enrolment_tokens set withdrawn_at = $2 where id = $1 and request is null and withdrawn_at is null returning 1',
      [id, at],
    );
    return rows.length === 1;
  },

  async list(tx, { enterprise, waiting = false, after, limit }) {
    const rows = await sql(tx).query<Row>(
      `select ${COLUMNS} from enrolment_tokens
        where ($1::uuid is null or enterprise = $1) and ($2::uuid is null or id > $2)
          and (not $4 or approval = 'needed' and asked_request is not null and withdrawn_at is null)
        order by id limit $3`,
      [enterprise ?? null, startOf(after), limit + 1, waiting],
    );
    return pageOf(rows.map(tokenOf), limit);
  },
};
