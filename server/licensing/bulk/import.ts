import { z } from 'zod';
import { boundsOf } from '../access/authorize.ts';
import { createContract } from '../contracts/contracts.ts';
import { createEnterprise } from '../enterprises/enterprises.ts';
import { found } from '../entities.ts';
import { LicetError } from '../errors.ts';
import type { Principal } from '../model/principal.ts';
import type { Transaction, Transactions } from '../ports/transactions.ts';
import { createSite, trySite } from '../sites/create-site.ts';
import { type Dependencies, parsed, reading } from '../use-case.ts';
import { parseCsv } from './csv.ts';
import { BULK_KINDS, type BulkKind, nested } from './rows.ts';

const input = z.strictObject({
  kind: z.enum(BULK_KINDS).describe('What the lines are.'),
  format: z.enum(['csv', 'jsonl']),
  text: z
    .string()
    .max(16 * 1024 * 1024)
    .describe('The file; references are slugs, contract numbers and plan codes.'),
  dryRun: z.boolean().default(true).describe('Only say what would happen. Every line is tried by itself.'),
});

export type LineResult =
  | { readonly line: number; readonly outcome: 'created'; readonly id: string }
  | { readonly line: number; readonly outcome: 'refused'; readonly code: string; readonly message: string };

/**
 * Each line by the use case of its kind and in a transaction of its own, so that one bad line costs no other, and a file
 * that was imported in part can be sent again: what is there already is refused as such. The lines are read, and refused
 * as a whole, before the first is done.
 */
export const importLines = Object.assign(
  (deps: Dependencies) =>
    (
      actor: Principal,
      raw: z.input<typeof input>,
    ): { readonly total: number; readonly results: () => AsyncGenerator<LineResult> } => {
      const { kind, format, text, dryRun } = parsed(input, raw);
      // Many at once is no other right to make them.
      boundsOf(actor, `${kind}.create`);
      const lines =
        format === 'csv' ? parseCsv(text).map(({ line, row }) => ({ line, value: nested(row) })) : parseLines(text);
      const used = dryRun ? { ...deps, transactions: undone(deps.transactions) } : deps;
      const create = CREATE[kind](dryRun ? trySite : createSite);
      return {
        total: lines.length,
        async *results() {
          for (const { line, value } of lines) yield await importLine(create, used, actor, line, value);
        },
      };
    },
  { input },
);

function parseLines(text: string): { line: number; value: unknown }[] {
  return text.split(/\r?\n/).flatMap((json, index) => {
    if (json.trim() === '') return [];
    try {
      return [{ line: index + 1, value: JSON.parse(json) as unknown }];
    } catch (cause) {
      const message = `Line ${index + 1} is no JSON; correct the file and send it again.`;
      throw new LicetError('invalid', 'JSON_INVALID', message, { cause });
    }
  });
}

async function importLine(
  create: Create,
  deps: Dependencies,
  actor: Principal,
  line: number,
  value: unknown,
): Promise<LineResult> {
  try {
    const { id } = await create(deps, actor, objectOf(value));
    return { line, outcome: 'created', id };
  } catch (error) {
    // What may pass, and what is a defect of ours, is no fault of the line.
    if (!(error instanceof LicetError) || error.kind === 'unavailable') throw error;
    return { line, outcome: 'refused', code: error.code, message: error.message };
  }
}

function objectOf(value: unknown): Record<string, unknown> {
  // An export says how things stand; an import makes new ones.
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const { status: _, ...rest } = value as Record<string, unknown>;
    return rest;
  }
  throw new LicetError('invalid', 'INPUT_INVALID', 'The line is no object with names and values.');
}

type Create = (
  deps: Dependencies,
  actor: Principal,
  value: Record<string, unknown>,
) => Promise<{ readonly id: string }>;

const CREATE: Readonly<Record<BulkKind, (makeSite: typeof createSite | typeof trySite) => Create>> = {
  // The use cases check what they are given; what stands here is only named.
  enterprise: () => (deps, actor, value) => createEnterprise(deps)(actor, value as never),
  contract:
    () =>
    async (deps, actor, { firstDay, lastDay, timeZone, plan, enterprise, ...value }) => {
      const ids = await reading(deps, actor, async (tx) => ({
        enterprise: await enterpriseId(deps, tx, enterprise),
        ...(plan !== undefined && {
          plan: await idOf('plan', deps.stores.plans.list(tx, { where: { code: textOf(plan) }, limit: 1 })),
        }),
      }));
      const term = lastDay === undefined ? { firstDay, timeZone } : { firstDay, lastDay, timeZone };
      return createContract(deps)(actor, { ...value, ...ids, term } as never);
    },
  site:
    (makeSite) =>
    async (deps, actor, { enterprise, contract, ...value }) => {
      const id = await reading(deps, actor, async (tx) => {
        const where = { number: textOf(contract), enterprise: await enterpriseId(deps, tx, enterprise) };
        return idOf('contract', deps.stores.contracts.list(tx, { where, limit: 1 }));
      });
      return (await makeSite(deps)(actor, { ...value, contract: id } as never)).site;
    },
};

/** What is no text names nothing. */
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

const enterpriseId = ({ stores }: Dependencies, tx: Transaction, slug: unknown): Promise<string> =>
  idOf('enterprise', stores.enterprises.list(tx, { where: { slug: textOf(slug) }, limit: 1 }));

async function idOf(thing: string, page: Promise<{ items: readonly { readonly id: string }[] }>): Promise<string> {
  return found(thing, (await page).items[0]).id;
}

class Undone extends Error {}

/** Every transaction does its work, and then is as if it had never been. */
function undone(transactions: Transactions): Transactions {
  return {
    async run(scope, work, options) {
      let result: Awaited<ReturnType<typeof work>> | undefined;
      const tried = transactions.run(
        scope,
        async (tx) => {
          result = await work(tx);
          throw new Undone();
        },
        options,
      );
      await tried.catch((error: unknown) => {
        if (!(error instanceof Undone)) throw error;
      });
      return result!;
    },
  };
}
