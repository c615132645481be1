import { openEmbedded } from './embedded/host.ts';
import type { Database, DatabaseDependencies, DatabaseOptions } from './host.ts';
import { openPostgresql } from './postgresql.ts';

export type * from './host.ts';
export type { Sql } from './session.ts';
export { sql } from './transactions.ts';

/** Opens, migrates, and hands out the application's connections; rejects with a StartupError that says what to do. */
export function openDatabase(options: DatabaseOptions, deps: DatabaseDependencies): Promise<Database> {
  return options.host === 'embedded' ? openEmbedded(options, deps) : openPostgresql(options, deps);
}
