import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from './config/index.ts';
import { EXIT_CODES } from './config/exit-codes.ts';
import type { DatabaseOptions } from './persistence/database.ts';
import { StartError } from './start-error.ts';

/** PostgreSQL when a URL is configured, else the embedded one. */
export function databaseOptions({ data, database }: Config): DatabaseOptions {
  const { url, migrationUrl, poolSize, statementSeconds, lockSeconds, tls, tlsCa } = database;
  if (url === undefined) return { host: 'embedded', folder: data.folder, sharedBuffersMb: data.cacheMb };
  return {
    host: 'postgresql',
    url,
    ...(migrationUrl === undefined ? {} : { migratorUrl: migrationUrl }),
    poolSize,
    statementTimeoutMs: statementSeconds * 1000,
    lockTimeoutMs: lockSeconds * 1000,
    tls: { mode: tls, ...(tlsCa === undefined ? {} : { ca: readCa(tlsCa) }) },
  };
}

/** For programs beside the server: with another folder than its own they would answer from a new database. */
export function existingDatabase(config: Config): DatabaseOptions {
  const options = databaseOptions(config);
  if (options.host !== 'embedded' || existsSync(join(options.folder, 'database'))) return options;
  const message = `There is no database in ${options.folder}: say after -- how the server is configured, e.g. -- --config licet.yaml.`;
  throw new StartError(EXIT_CODES.configuration.code, message);
}

function readCa(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new StartError(
      EXIT_CODES.configuration.code,
      `The file ${file} of database.tlsCa cannot be read (${code}).`,
      error,
    );
  }
}
