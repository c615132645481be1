import type { Writable } from 'node:stream';

import type { PoolClient } from 'pg';

import type { Database } from './database.ts';
import { HISTORY_TABLE } from './migrate.ts';
import { migrations } from './migrations/index.ts';
import { statementsOf } from './migrations/migration.ts';

const ROWS_AT_ONCE = 500;

type Table = { name: string; columns: string[]; forced: boolean; triggered: boolean };

/**
 * Writes the whole embedded database as one SQL script that `psql` loads into an empty PostgreSQL 15 or newer, in one
 * transaction: the schema by our own migrations, then the rows, as they stood at one instant.
 */
export async function exportDatabase(database: Database, output: Writable): Promise<void> {
  if (database.host !== 'embedded') throw new Error('Only the embedded database is exported; PostgreSQL has pg_dump.');
  const runner = database.dataSource.createQueryRunner();
  try {
    const client = (await runner.connect()) as PoolClient;
    await client.query('begin isolation level repeatable read read only');
    await writeScript(client, output);
    await client.query('commit');
  } finally {
    await runner.release();
  }
}

async function writeScript(client: PoolClient, output: Writable): Promise<void> {
  const write = (text: string): Promise<void> => written(output, text);
  const tables = await tablesOf(client);
  const foreignKeys = await foreignKeysOf(client);
  await write(OPENING);
  for (const statement of await schema(client)) await write(`${statement};\n`);
  for (const table of tables) await write(before(table));
  // What the migrations put in comes again with the rows.
  await write(`truncate ${tables.map(({ name }) => name).join(', ')};\n`);
  // Any order of tables will do without foreign keys; PostgreSQL checks them all when they are made again.
  for (const { table, name } of foreignKeys) await write(`alter table ${table} drop constraint ${name};\n`);
  for (const table of tables) await writeRows(client, table, write);
  for (const table of tables) await write(after(table));
  for (const { table, name, definition } of foreignKeys) {
    await write(`alter table ${table} add constraint ${name} ${definition};\n`);
  }
  for (const statement of await sequencesOf(client)) await write(`${statement};\n`);
  await write('commit;\n');
}

const OPENING = `-- A Licet database. Load it into an empty PostgreSQL 15 or newer:
--   psql --no-psqlrc --file THIS "postgresql://…"
\\set ON_ERROR_STOP on
set client_encoding to 'UTF8';
set standard_conforming_strings to on;
set client_min_messages to warning;
begin;
do $$ begin
  if to_regclass('public.licet_migrations') is not null then
    raise exception 'this database already holds Licet tables: load into an empty one';
  end if;
end $$;
`;

async function schema(client: PoolClient): Promise<string[]> {
  const statements = [HISTORY_TABLE];
  for (const migration of migrations) statements.push(...(await statementsOf(migration)));
  // Partitions are made as time goes by, not by migrations.
  const { rows } = await client.query<{ statement: string }>(`
    select format('create table if not exists %s partition of %s %s', child.oid::regclass, inhparent::regclass,
                  pg_get_expr(child.relpartbound, child.oid)) as statement
      from pg_class child join pg_inherits on inhrelid = child.oid
     where child.relispartition and child.relkind in ('r', 'p') and child.relnamespace = 'public'::regnamespace
     order by child.oid`);
  return [...statements, ...rows.map(({ statement }) => statement)];
}

/** Partitions are read and loaded through their parents; generated columns make themselves. */
async function tablesOf(client: PoolClient): Promise<Table[]> {
  const { rows } = await client.query<Table>(`
    select c.oid::regclass::text as name, c.relforcerowsecurity as forced,
           exists (select from pg_trigger where tgrelid = c.oid and not tgisinternal) as triggered,
           array_agg(quote_ident(attname) order by attnum) as columns
      from pg_class c join pg_attribute on attrelid = c.oid and attnum > 0 and not attisdropped and attgenerated = ''
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
     group by c.oid order by c.oid`);
  return rows;
}

type ForeignKey = { table: string; name: string; definition: string };

async function foreignKeysOf(client: PoolClient): Promise<ForeignKey[]> {
  const { rows } = await client.query<ForeignKey>(`
    select conrelid::regclass::text as table, quote_ident(conname) as name, pg_get_constraintdef(oid) as definition
      from pg_constraint
     where contype = 'f' and conparentid = 0 and connamespace = 'public'::regnamespace order by oid`);
  return rows;
}

async function sequencesOf(client: PoolClient): Promise<string[]> {
  const { rows } = await client.query<{ statement: string }>(`
    select format('select setval(%L, %s)', format('%I.%I', schemaname, sequencename), last_value) as statement
      from pg_sequences where schemaname = 'public' and last_value is not null`);
  return rows.map(({ statement }) => statement);
}

/** COPY is refused to an owner who is under row-level security, and triggers have fired when the rows were first written. */
function before({ name, forced, triggered }: Table): string {
  return [
    forced ? `alter table ${name} no force row level security;\n` : '',
    triggered ? `alter table ${name} disable trigger user;\n` : '',
  ].join('');
}

function after({ name, forced, triggered }: Table): string {
  return [
    triggered ? `alter table ${name} enable trigger user;\n` : '',
    forced ? `alter table ${name} force row level security;\n` : '',
  ].join('');
}

async function writeRows(client: PoolClient, table: Table, write: (text: string) => Promise<void>): Promise<void> {
  const list = table.columns.join(', ');
  await write(`copy ${table.name} (${list}) from stdin;\n`);
  await client.query(
    `declare export no scroll cursor for select ${table.columns.map(asText).join(', ')} from ${table.name}`,
  );
  for (;;) {
    const { rows } = await client.query<(string | null)[]>({
      text: `fetch ${ROWS_AT_ONCE} from export`,
      rowMode: 'array',
    });
    if (rows.length === 0) break;
    await write(rows.map((row) => `${row.map(field).join('\t')}\n`).join(''));
  }
  await client.query('close export');
  await write('\\.\n');
}

const asText = (column: string): string => `${column}::text`;

/** COPY's text format: PostgreSQL manual, COPY, "Text Format". */
function field(value: string | null): string {
  if (value === null) return '\\N';
  return value.replaceAll(/[\\\t\n\r]/g, (character) => ESCAPES[character] ?? character);
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/** Waits for a slow reader instead of holding the database in memory. */
function written(output: Writable, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    output.write(text, (error) => (error ? reject(error) : resolve()));
  });
}
