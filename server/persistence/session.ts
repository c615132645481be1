import { hash } from 'node:crypto';
import type { PoolClient } from 'pg';
import type { EntityManager } from 'typeorm';

import type { Scope } from '../licensing/ports/transactions.ts';

/**
 * Statements run in the order in which they were made. Those that do not need each other's rows are made together
 * (`Promise.all`): to PostgreSQL they go out at once, and cost one wait instead of one each.
 */
export type Sql = {
  /** Rows as `pg` gives them: int8 as string, bytea as Buffer, timestamptz as Date. */
  query<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /**
   * The same for a text that never varies and names its columns: each connection parses and plans it once. On the way of
   * an issued license planning would cost many times what the statement does.
   */
  prepared<Row>(text: string, values: readonly unknown[]): Promise<Row[]>;
  /** For a statement of whose rows nothing depends: COMMIT goes out on its heels. If it fails, so does the transaction. */
  unawaited(statement: Promise<unknown>): void;
  readonly manager: EntityManager;
};

/** What all parts of a transaction share. */
type Shared = { isOver: boolean; readonly unawaited: Promise<unknown>[] };

/** The statements of one transaction, from its beginning until it is told to end. */
export class Session implements Sql {
  readonly manager: EntityManager;
  readonly #client: PoolClient;
  readonly #scope: Scope;
  readonly #shared: Shared;

  constructor(
    client: PoolClient,
    manager: EntityManager,
    scope: Scope,
    shared: Shared = { isOver: false, unawaited: [] },
  ) {
    this.manager = manager;
    this.#client = client;
    this.#scope = scope;
    this.#shared = shared;
  }

  /** The same transaction, where it has taken another role. */
  as(scope: Scope): Session {
    return new Session(this.#client, this.manager, scope, this.#shared);
  }

  query<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return this.#send<Row>({ text, values: [...values] });
  }

  prepared<Row>(text: string, values: readonly unknown[]): Promise<Row[]> {
    return this.#send<Row>({ name: nameOf(text, this.#scope), text, values: [...values] });
  }

  unawaited(statement: Promise<unknown>): void {
    // Its failure is looked for at the end; until then nobody does, which is no crime.
    statement.catch(() => undefined);
    this.#shared.unawaited.push(statement);
  }

  /** From now on it takes no statement: one that comes late would stand outside of any transaction. */
  end(): void {
    this.#shared.isOver = true;
  }

  /** Why the first of the unawaited failed; undefined when none did. */
  async failure(): Promise<unknown> {
    const settled = await Promise.allSettled(this.#shared.unawaited);
    return settled.find((one) => one.status === 'rejected')?.reason;
  }

  async #send<Row>(statement: { name?: string; text: string; values: unknown[] }): Promise<Row[]> {
    if (this.#shared.isOver) throw new Error('This transaction has ended; a statement of it was not awaited.');
    return (await this.#client.query(statement)).rows as Row[];
  }
}

const names = new Map<string, string>();

/** One for each role, because a plan holds the row-level security of who made it, and is made anew for another. */
function nameOf(text: string, scope: Scope): string {
  let name = names.get(text);
  if (name === undefined) names.set(text, (name = hash('sha256', text).slice(0, 32)));
  return scope === 'platform' ? `p${name}` : `o${name}`;
}
