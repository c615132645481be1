import { hostname } from 'node:os';
import { systemClock as clock } from '../clock.ts';
import { type Config, loadConfig } from '../config/index.ts';
import { databaseOptions, existingDatabase } from '../database-options.ts';
import { publishingBaseOf, tlsModeOf } from '../effective.ts';
import { type Database, openDatabase } from '../persistence/database.ts';
import { systemRandom as random } from '../random.ts';
import { type AuthorityParts, connectAuthority } from '../wiring/authority.ts';
import { borrowSigner } from '../wiring/signer.ts';
import { log } from './log.ts';

export type Backstage = {
  readonly config: Config;
  readonly database: Database;
  readonly authority: AuthorityParts;
};

/**
 * For programs beside the server that change the authority: its database and its signer, without listeners or jobs. The
 * embedded database has one owner, so there the server is stopped first; beside PostgreSQL it may go on.
 */
export async function withBackstage<T>(
  configuration: readonly string[],
  work: (backstage: Backstage) => Promise<T>,
  { check, mayBeFirst = false }: { readonly check?: (config: Config) => void; readonly mayBeFirst?: boolean } = {},
): Promise<T> {
  const { config } = await loadConfig({ argv: configuration, env: process.env, directory: process.cwd() });
  check?.(config);
  const place = mayBeFirst ? databaseOptions(config) : existingDatabase(config);
  const database = await openDatabase(place, { clock, random, log });
  try {
    const opened = await borrowSigner(config, log);
    try {
      const port = tlsModeOf(config) === 'off' ? config.http.port : config.http.plain.port;
      const base = publishingBaseOf(config, port);
      const holder = `${hostname()}:${process.pid}:backstage`;
      const authority = connectAuthority({ config, database, signer: opened.signer, holder, base });
      return await work({ config, database, authority });
    } finally {
      await opened.close();
    }
  } finally {
    await database.close();
  }
}

/** What stands before `--` and after it, where the server's own configuration begins. */
export function splitArguments(argv: readonly string[]): { own: string[]; configuration: readonly string[] } {
  const dashes = argv.indexOf('--');
  if (dashes === -1) return { own: [...argv], configuration: [] };
  return { own: argv.slice(0, dashes), configuration: argv.slice(dashes + 1) };
}
