import type { Database, DatabaseDependencies, EmbeddedOptions } from '../database.ts';

export async function openEmbedded(options: EmbeddedOptions, deps: DatabaseDependencies): Promise<Database> {
  void options;
  void deps;
  throw new Error('not yet');
}
