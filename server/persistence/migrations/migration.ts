/**
 * One step of the schema. Never edited once released: its statements are hashed, and a database that remembers another
 * hash is refused. `up` gets nothing back from its statements, so that the same statements come out every time; data is
 * moved by SQL.
 */
export type Migration = {
  /** NNNN-what-it-does, as the file. */
  readonly name: string;
  up(query: (statement: string) => Promise<void>): Promise<void>;
};

/** The statements of a migration, without running them. */
export async function statementsOf(migration: Migration): Promise<string[]> {
  const statements: string[] = [];
  await migration.up(async (statement) => {
    statements.push(statement);
  });
  return statements;
}
