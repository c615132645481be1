/**
 * What stands between the organizations below the application's own checks. A transaction in the scope of an
 * organization runs as `licet_application` and finds only rows of its own; one in the scope of the platform runs as
 * `licet_platform` and finds all. Forced, so that the owner of the tables is no exception.
 *
 * The column is `organization` unless said otherwise. `append-only` rows are never changed or removed by either role.
 */
export function protect(
  table: string,
  { column = 'organization', rows = 'changeable' }: { column?: string; rows?: 'changeable' | 'append-only' } = {},
): string[] {
  return [
    `alter table ${table} enable row level security`,
    `alter table ${table} force row level security`,
    `create policy organization on ${table} to licet_application
       using (${column} = licet_organization()) with check (${column} = licet_organization())`,
    `create policy platform on ${table} to licet_platform using (true) with check (true)`,
    ...grant(table, rows),
  ];
}

/** For tables that belong to no organization: only the platform sees them. */
export function platformOnly(table: string): string[] {
  return [`grant select, insert, update, delete on ${table} to licet_platform`];
}

function grant(table: string, rows: 'changeable' | 'append-only'): string[] {
  const verbs = rows === 'append-only' ? 'select, insert' : 'select, insert, update, delete';
  return [`grant ${verbs} on ${table} to licet_application, licet_platform`];
}

/** Changes rows of all organizations in these tables: forced, row-level security hides every row from the owner, too. */
export const unforced = (tables: readonly string[], ...statements: readonly string[]): string[] => [
  ...tables.map((table) => `alter table ${table} no force row level security`),
  ...statements,
  ...tables.map((table) => `alter table ${table} force row level security`),
];
