import type { AuditLog } from '../ports/audit-log.ts';
import type { Transaction, Transactions } from '../ports/transactions.ts';
import { type ChainHead, rowLine } from './chain.ts';
import { type AuditReport, headLine } from './export.ts';
import { ChainVerifier } from './verifier.ts';

export type CheckOptions = {
  /** One chain; without it, every chain there is or that a checkpoint speaks of. */
  readonly organization?: string;
  /** Start at this row, trusting what came before. */
  readonly from?: number;
  readonly checkpoints?: readonly ChainHead[];
};

/** Large enough that the round trip does not count, small enough that a page of the longest rows fits in memory. */
const PAGE = 500;

/** Checks the audit log, chain by chain, reading it page by page however long it is; appends go on meanwhile. */
export async function* checkAudit(
  transactions: Transactions,
  log: AuditLog,
  options: CheckOptions = {},
): AsyncGenerator<AuditReport> {
  if (options.organization !== undefined) {
    yield await checkChain(transactions, log, options.organization, options);
    return;
  }
  const unseen = new Set(options.checkpoints?.map((known) => known.organization));
  for await (const organization of chains(transactions, log)) {
    unseen.delete(organization);
    yield await checkChain(transactions, log, organization, options);
  }
  for (const organization of unseen) yield await checkChain(transactions, log, organization, options);
}

async function checkChain(
  transactions: Transactions,
  log: AuditLog,
  organization: string,
  options: CheckOptions,
): Promise<AuditReport> {
  const verifier = new ChainVerifier(organization, options);
  let head: ChainHead | undefined;
  for await (const page of pages(transactions, log, organization, options.from)) {
    ({ head } = page);
    for (const row of page.rows) verifier.row(row);
    if (verifier.finding !== undefined) break;
  }
  const finding = verifier.finding ?? verifier.end(head);
  return { organization, head, finding, rows: verifier.rows };
}

/** The lines of an export of one chain or all, good or bad as they are: what is wrong is for the reader to find. */
export async function* exportAudit(
  transactions: Transactions,
  log: AuditLog,
  organization?: string,
): AsyncGenerator<string> {
  const wanted = organization === undefined ? chains(transactions, log) : [organization];
  for await (const chain of wanted) {
    let head: ChainHead | undefined;
    for await (const page of pages(transactions, log, chain)) {
      ({ head } = page);
      for (const row of page.rows) yield rowLine(row);
    }
    if (head !== undefined) yield headLine(head);
  }
}

/** A chain to its end. Each page comes with the head of the same moment, so that what is appended meanwhile fits. */
async function* pages(transactions: Transactions, log: AuditLog, organization: string, from?: number) {
  let after = from === undefined || from <= 1 ? undefined : from - 1;
  for (;;) {
    const page = await read(transactions, (tx) => log.page(tx, organization, after, PAGE));
    yield page;
    after = page.rows.at(-1)?.sequence;
    if (page.rows.length < PAGE) return;
  }
}

async function* chains(transactions: Transactions, log: AuditLog): AsyncGenerator<string> {
  for (let after: string | undefined; ;) {
    const page = await read(transactions, (tx) => log.chains(tx, after, PAGE));
    yield* page;
    after = page.at(-1);
    if (page.length < PAGE) return;
  }
}

function read<T>(transactions: Transactions, work: (tx: Transaction) => Promise<T>): Promise<T> {
  return transactions.run('platform', work, { isolation: 'repeatable read', readOnly: true });
}
