import { enterpriseOf } from '../enrolment/create-token.ts';
import { found } from '../entities.ts';
import type { Entity } from '../model/entity.ts';
import type { Principal } from '../model/principal.ts';
import type { Collection } from '../ports/collection.ts';
import type { Transaction } from '../ports/transactions.ts';
import { type Dependencies, reading } from '../use-case.ts';
import { csvLine, type Row } from './csv.ts';
import { type BulkKind, COLUMNS, nested, rowOf } from './rows.ts';

const PAGE = 500;

/** The same thing for a table and for a line of JSON, which can also hold the terms of a contract without a plan. */
type Exported = { readonly row: Row; readonly more?: Readonly<Record<string, unknown>> };

/**
 * All things of a kind, as lines that an import takes: page by page, so that memory does not grow with them. A CSV
 * needs its columns before its first row, so it is read twice: labels and shares make columns of their own.
 */
export async function* exportRows(
  deps: Dependencies,
  actor: Principal,
  kind: BulkKind,
  format: 'csv' | 'jsonl',
): AsyncGenerator<string> {
  const read = () => SOURCES[kind](deps, actor);
  if (format === 'jsonl') {
    for await (const page of read()) {
      yield page.map(({ row, more }) => `${JSON.stringify({ ...nested(row), ...more })}\n`).join('');
    }
    return;
  }
  const names = new Set(COLUMNS[kind]);
  for await (const page of read()) page.forEach(({ row }) => Object.keys(row).forEach((name) => names.add(name)));
  yield csvLine([...names]);
  for await (const page of read()) {
    yield page.map(({ row }) => csvLine([...names].map((name) => row[name] ?? ''))).join('');
  }
}

type Source = (deps: Dependencies, actor: Principal) => AsyncGenerator<Exported[]>;

const SOURCES: Readonly<Record<BulkKind, Source>> = {
  enterprise: (deps, actor) =>
    pages(
      deps,
      actor,
      deps.stores.enterprises,
      ({ id }) => id,
      (_, one) => Promise.resolve({ row: rowOf.enterprise(one) }),
    ),
  contract: (deps, actor) => {
    const slug = remembered(deps.stores.enterprises, (one) => one.slug);
    const code = remembered(deps.stores.plans, (one) => one.code);
    return pages(deps, actor, deps.stores.contracts, enterpriseOf, async (tx, one) => {
      const names = { enterprise: await slug(tx, one.enterprise), plan: await code(tx, one.plan) };
      return { row: rowOf.contract(one, names), more: { terms: one.terms } };
    });
  },
  site: (deps, actor) => {
    const slug = remembered(deps.stores.enterprises, (one) => one.slug);
    const number = remembered(deps.stores.contracts, (one) => one.number);
    return pages(deps, actor, deps.stores.sites, enterpriseOf, async (tx, one) => {
      const names = { enterprise: await slug(tx, one.enterprise), contract: await number(tx, one.contract) };
      return { row: rowOf.site(one, names) };
    });
  },
};

/** The name of a thing by its id, looked up once for all rows that refer to it. */
function remembered<T extends Entity>(collection: Collection<T>, nameOf: (entity: T) => string) {
  const known = new Map<string, string>();
  return async (tx: Transaction, id: string | undefined): Promise<string> => {
    if (id === undefined) return '';
    const name = known.get(id) ?? nameOf(found('name', await collection.get(tx, id)));
    known.set(id, name);
    return name;
  };
}

async function* pages<T extends Entity>(
  deps: Dependencies,
  actor: Principal,
  collection: Collection<T>,
  of: (entity: T) => string,
  toRow: (tx: Transaction, entity: T) => Promise<Exported>,
): AsyncGenerator<Exported[]> {
  for (let after: string | undefined, first = true; first || after !== undefined; first = false) {
    const page = await reading(deps, actor, async (tx) => {
      const { items, next } = await collection.list(tx, { limit: PAGE, ...(after !== undefined && { after }) });
      const rows: Exported[] = [];
      for (const item of items) if ((actor.enterprise ?? of(item)) === of(item)) rows.push(await toRow(tx, item));
      return { rows, next };
    });
    after = page.next;
    yield page.rows;
  }
}
