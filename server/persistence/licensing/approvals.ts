import { isId } from '../../licensing/model/id.ts';
import type { Approval, Approvals } from '../../licensing/ports/approvals.ts';
import { bytea } from '../authority/columns.ts';
import { sql } from '../transactions.ts';

const COLUMNS = `id, act as kind, subject, digest, requested_by as "requestedBy", requested_at as "requestedAt",
  approved_by as "approvedBy", expires_at as "expiresAt"`;

type Row = Omit<Approval, 'approvedBy'> & { approvedBy: string | null };

const approvalOf = (row: Row): Approval => ({ ...row, approvedBy: row.approvedBy ?? undefined });

export const approvals: Approvals = {
  async request(tx, { kind, subject, digest }, by, id, at) {
    // One that has expired, or that was asked for by another, is asked for anew.
    const rows = await sql(tx).query<Row>(
      `insert into approvals as known (id, organization, act, subject, digest, requested_by, requested_at, expires_at)
       values ($1, licet_organization(), $2, $3, $4, $5, $6, $6::timestamptz + interval '7 days')
       on conflict (organization, act, subject, digest) where spent_at is null
       do update set
         requested_by = case when known.expires_at <= $6 then $5 else known.requested_by end,
         approved_by = case when known.expires_at <= $6 then null else known.approved_by end,
         expires_at = case when known.expires_at <= $6 then excluded.expires_at else known.expires_at end
       returning ${COLUMNS}`,
      [id, kind, subject, bytea(digest), by, at],
    );
    return approvalOf(rows[0]!);
  },

  async get(tx, id) {
    if (!isId(id)) return undefined;
    return (await sql(tx).query<Row>(`select ${COLUMNS} from approvals where id = $1`, [id])).map(approvalOf)[0];
  },

  async approve(tx, id, by, at) {
    const rows = await sql(tx).query(
      `update approvals set approved_by = $2, approved_at = $3
        where id = $1 and approved_by is null and requested_by <> $2 and spent_at is null and expires_at > $3
        returning 1`,
      [id, by, at],
    );
    return rows.length === 1;
  },

  async spend(tx, { kind, subject, digest }, at) {
    const rows = await sql(tx).query(
      `update approvals set spent_at = $4
        where act = $1 and subject = $2 and digest = $3 and approved_by is not null and spent_at is null
          and expires_at > $4 returning 1`,
      [kind, subject, bytea(digest), at],
    );
    return rows.length === 1;
  },

  async open(tx, at, limit) {
    const rows = await sql(tx).query<Row>(
      `select ${COLUMNS} from approvals where approved_by is null and spent_at is null and expires_at > $1
        order by id limit $2`,
      [at, limit],
    );
    return rows.map(approvalOf);
  },
};
