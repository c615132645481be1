import type { PoolClient } from 'pg';
import type { DataSource, QueryRunner } from 'typeorm';

import { OutcomeUnknown } from '../licensing/errors.ts';
import type { Random } from '../licensing/ports/random.ts';
import type { Scope, Transaction, TransactionOptions, Transactions } from '../licensing/ports/transactions.ts';
import { asLicetError, type Fault, faultOf } from './faults.ts';
import { Session, type Sql } from './session.ts';

/** How often one transaction is tried in all. A stampede on one row needs a few; more would only feed it. */
const MAX_TRIES: Partial<Record<Fault, number>> = { serialization: 6, deadlock: 6, link: 2 };
const FIRST_PAUSE_MS = 5;

const sessions = new WeakMap<Transaction, Session>();

/** The only way into a running transaction; it closes when the transaction ends. */
export function sql(tx: Transaction): Sql {
  return sessionOf(tx);
}

/**
 * A part of a transaction that needs what belongs to no organization, e.g. the number of the last revocation: it commits
 * with the rest, and what follows it is bound to its organization again.
 */
export async function asPlatform<T>(tx: Transaction, work: (tx: Transaction) => Promise<T>): Promise<T> {
  if (tx.scope === 'platform') return work(tx);
  const own = sessionOf(tx);
  const part: Transaction = { scope: 'platform' };
  await own.query('set local role licet_platform');
  sessions.set(part, own.as('platform'));
  let isDone = false;
  try {
    const result = await work(part);
    isDone = true;
    return result;
  } finally {
    sessions.delete(part);
    const back = own.query('set local role licet_application');
    // After a failed statement nothing is possible any more, and nothing needs to be: it ends with a rollback.
    await (isDone ? back : back.catch(() => undefined));
  }
}

function sessionOf(tx: Transaction): Session {
  const session = sessions.get(tx);
  if (session === undefined) throw new Error('This transaction has ended; a statement of it was not awaited.');
  return session;
}

export function createTransactions(
  dataSource: DataSource,
  random: Random,
  { onRetry, onDone }: { readonly onRetry: (cause: string) => void; readonly onDone: () => void },
): Transactions {
  return {
    async run(scope, work, options = {}) {
      for (let attempt = 1; ; attempt++) {
        try {
          const result = await once(dataSource, scope, work, options);
          onDone();
          return result;
        } catch (error) {
          const fault = faultOf(error);
          // Writing in a transaction that asked to be read-only is a mistake of ours, not a state of the database.
          if (fault === 'read-only' && options.readOnly === true) throw error;
          if (attempt >= (MAX_TRIES[fault] ?? 1)) throw asLicetError(error);
          onRetry(fault);
          await pause(FIRST_PAUSE_MS * 2 ** attempt, random);
        }
      }
    },
  };
}

/** Full jitter: those who collided must not meet again. */
function pause(upToMs: number, random: Random): Promise<void> {
  const fraction = (random.bytes(1)[0] ?? 0) / 256;
  return new Promise((resolve) => setTimeout(resolve, upToMs * fraction));
}

async function once<T>(
  dataSource: DataSource,
  scope: Scope,
  work: (tx: Transaction) => Promise<T>,
  options: TransactionOptions,
): Promise<T> {
  const runner = dataSource.createQueryRunner();
  const tx: Transaction = { scope };
  let session: Session | undefined;
  try {
    const client = (await runner.connect()) as PoolClient;
    const opened = client.query(opening(scope, options));
    // A statement on the heels of a BEGIN that failed would stand outside of any role and transaction, so it is waited for
    // before anything is written. What was only read counts for nothing then, and need not wait.
    if (options.readOnly !== true) await opened;
    joinTransaction(runner);
    sessions.set(tx, (session = new Session(client, runner.manager, scope)));
    if (options.readOnly === true) session.unawaited(opened);
    const result = await work(tx);
    session.end();
    await opened;
    await commit(client);
    return result;
  } catch (error) {
    session?.end();
    const cause = await causeOf(error, session);
    await abandon(runner, cause);
    throw cause;
  } finally {
    sessions.delete(tx);
    await runner.release();
  }
}

/** What an unawaited statement broke shows as "transaction is aborted" in those after it, but never as an open outcome. */
async function causeOf(error: unknown, session: Session | undefined): Promise<unknown> {
  return error instanceof OutcomeUnknown ? error : ((await session?.failure()) ?? error);
}

/**
 * One round trip. The role is set on every transaction because the login may be an owner or, on the embedded database,
 * the superuser, and row-level security does not bind those.
 */
function opening(scope: Scope, { isolation, readOnly, onePlan }: TransactionOptions): string {
  const begin = `begin isolation level ${isolation ?? 'read committed'} ${readOnly === true ? 'read only' : 'read write'}`;
  const plans = onePlan === true ? '; set local plan_cache_mode to force_generic_plan' : '';
  if (scope === 'platform') return `${begin}${plans}; set local role licet_platform`;
  const organization = literal(scope.organization);
  return `${begin}${plans}; set local role licet_application; set local licet.organization to ${organization}`;
}

function literal(text: string): string {
  if (text === '' || text.includes('\0')) throw new Error('An organization is a non-empty string without NUL.');
  return `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** TypeORM must know that we began, or `manager.save` would begin once more instead of taking a savepoint. */
function joinTransaction(runner: QueryRunner): void {
  Object.assign(runner, { isTransactionActive: true, transactionDepth: 1 });
}

async function commit(client: PoolClient): Promise<void> {
  let done;
  try {
    done = await client.query('commit');
  } catch (error) {
    const fault = faultOf(error);
    if (fault === 'link' || fault === 'timeout' || fault === 'full') throw new OutcomeUnknown(error);
    throw error;
  }
  // PostgreSQL answers COMMIT of an aborted transaction with ROLLBACK and no error: a lost write if nobody looks.
  if (done.command !== 'COMMIT')
    throw new Error('A failed statement was swallowed, so the transaction did not commit.');
}

/** Gives the connection back clean, or not at all: a silent link must not cost a second time-out. */
async function abandon(runner: QueryRunner, error: unknown): Promise<void> {
  Object.assign(runner, { isTransactionActive: false, transactionDepth: 0 });
  if (runner.isReleased) return;
  const fault = faultOf(error);
  const client = (await runner.connect().catch(() => undefined)) as PoolClient | undefined;
  if (client === undefined) return;
  try {
    if (error instanceof OutcomeUnknown || fault === 'link' || fault === 'timeout') throw error;
    await client.query('rollback');
  } catch (cause) {
    await (runner as QueryRunner & { releasePostgresConnection(error: unknown): Promise<void> }) // TypeORM 1.1.1
      .releasePostgresConnection(cause);
  }
}
