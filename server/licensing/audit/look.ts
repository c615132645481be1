import type { Principal } from '../model/principal.ts';
import type { AuditLog, AuditPage, AuditQuery } from '../ports/audit-log.ts';
import type { Transactions } from '../ports/transactions.ts';
import type { ChainHead } from './chain.ts';
import { type AuditFinding, ChainVerifier } from './verifier.ts';

type LookDeps = { readonly transactions: Transactions; readonly auditLog: AuditLog };

/** What one page of a search, or one part of a check, looks at: some tens of milliseconds. */
export const AUDIT_STEP = 10_000;

/** In the log of the own organization; there is no way to another one. */
export const searchAudit = (
  { transactions, auditLog }: LookDeps,
  { organization }: Principal,
  query: Omit<AuditQuery, 'walk'>,
): Promise<AuditPage> =>
  transactions.run({ organization }, (tx) => auditLog.search(tx, organization, { ...query, walk: AUDIT_STEP }), {
    readOnly: true,
  });

export type AuditPart = {
  readonly checked: number;
  readonly finding: AuditFinding | undefined;
  readonly head: ChainHead | undefined;
  /** The last that was checked: checked once more with the next part, so that the link between the two is too. */
  readonly next: number | undefined;
};

/** A part of the own chain, together with its head of the same moment. */
export async function verifyAudit(
  { transactions, auditLog }: LookDeps,
  { organization }: Principal,
  from: number,
): Promise<AuditPart> {
  const { head, rows } = await transactions.run(
    { organization },
    (tx) => auditLog.page(tx, organization, from <= 1 ? undefined : from - 1, AUDIT_STEP),
    { isolation: 'repeatable read', readOnly: true },
  );
  const verifier = new ChainVerifier(organization, from <= 1 ? {} : { from });
  for (const row of rows) verifier.row(row);
  const isWhole = rows.length < AUDIT_STEP;
  const finding = verifier.finding ?? (isWhole ? verifier.end(head) : undefined);
  const next = finding === undefined && !isWhole ? rows.at(-1)?.sequence : undefined;
  return { checked: verifier.rows, finding, head, next };
}
