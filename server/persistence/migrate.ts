import { createHash } from 'node:crypto';

import type { Log } from './host.ts';
import { StartupError } from './errors.ts';
import { codeOf } from './faults.ts';
import { migrations } from './migrations/index.ts';
import { type Migration, statementsOf } from './migrations/migration.ts';

/** Runs SQL as the migrator on one connection. */
export type Query = (text: string, values?: unknown[]) => Promise<Record<string, unknown>[]>;

export const HISTORY_TABLE = `
  create table if not exists licet_migrations (
    number integer primary key,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default now()
  )`;

/**
 * Brings the database to the newest schema. The lock on the history is the lease: of two servers that start at once the
 * second waits, and then finds nothing left to do. All or nothing: a start that fails leaves the schema as it was.
 */
export async function migrate(query: Query, log: Log, steps: readonly Migration[] = migrations): Promise<void> {
  const wanted = await Promise.all(steps.map(plan));
  if (await isCurrent(query, wanted)) return;
  await query('begin');
  try {
    await makeHistory(query);
    await query('lock table licet_migrations in access exclusive mode');
    const done = await history(query);
    refuseForeignHistory(done, wanted);
    for (const [index, step] of wanted.entries()) {
      if (index < done.length) continue;
      for (const statement of step.statements) await query(statement);
      await query('insert into licet_migrations (number, name, checksum) values ($1, $2, $3)', [
        index + 1,
        step.name,
        step.checksum,
      ]);
      log.info({ migration: step.name }, 'migrated');
    }
    await query('commit');
  } catch (error) {
    await query('rollback').catch((cause: unknown) => log.warn({ err: cause }, 'could not roll back'));
    throw withAdvice(error);
  }
}

type Planned = { name: string; checksum: string; statements: string[] };
type Done = { name: string; checksum: string };

async function plan(step: Migration): Promise<Planned> {
  const statements = await statementsOf(step);
  const checksum = createHash('sha256').update(statements.join(';\n')).digest('hex');
  return { name: step.name, checksum, statements };
}

async function isCurrent(query: Query, wanted: readonly Planned[]): Promise<boolean> {
  const [row] = await query(`select to_regclass('licet_migrations') is not null as there`);
  if (row?.['there'] !== true) return false;
  const done = await history(query);
  refuseForeignHistory(done, wanted);
  return done.length === wanted.length;
}

/** `if not exists` is no protection against somebody who makes it at the same moment; the key of pg_type is. */
async function makeHistory(query: Query): Promise<void> {
  await query('savepoint history');
  try {
    await query(HISTORY_TABLE);
  } catch (error) {
    if (!['23505', '42P07', '42710'].includes(codeOf(error))) throw error;
    await query('rollback to savepoint history');
  }
}

async function history(query: Query): Promise<Done[]> {
  return (await query('select name, checksum from licet_migrations order by number')) as Done[];
}

function refuseForeignHistory(done: readonly Done[], wanted: readonly Planned[]): void {
  const unknown = done[wanted.length];
  for (const [index, step] of wanted.slice(0, done.length).entries()) {
    const { name, checksum } = done[index]!;
    if (name === step.name && checksum === step.checksum) continue;
    const message = `The database was made by another build of Licet (its migration ${name} is not our ${step.name}): start the build that made it.`;
    throw new StartupError('DATABASE_CHANGED', message);
  }
  if (unknown === undefined) return;
  const message = `The database was migrated by a newer Licet (${unknown.name}): start that version or a newer one.`;
  throw new StartupError('DATABASE_TOO_NEW', message);
}

/** 42501 insufficient_privilege. */
function withAdvice(error: unknown): unknown {
  if (codeOf(error) !== '42501') return error;
  const reason = error instanceof Error ? error.message : String(error);
  const message = `The migrations lack a right (${reason}): give the migrator's login CREATEROLE and CREATE on the schema public, or have an administrator create the roles licet_application and licet_platform and grant them to it.`;
  return new StartupError('DATABASE_PRIVILEGES', message, error);
}
