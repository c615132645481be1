import { Client, type ClientConfig, escapeIdentifier, Pool, type PoolConfig } from 'pg';

import type { Database, DatabaseDependencies, PostgresqlOptions } from './host.ts';
import { StartupError } from './errors.ts';
import { codeOf, faultOf } from './faults.ts';
import { migrate } from './migrate.ts';
import { databaseOver } from './pooled-database.ts';

const OLDEST_MAJOR = 15;
// Bar F4: with the link gone silent a request ends within 5 s: waiting for a connection, making one, one statement.
const CONNECT_TIMEOUT_MS = 1000;
const REPLY_MARGIN_MS = 500;
const IDLE_IN_TRANSACTION_MS = 10_000;
const MIGRATION_LOCK_TIMEOUT_MS = 60_000;

export async function openPostgresql(options: PostgresqlOptions, deps: DatabaseDependencies): Promise<Database> {
  await prepare(options, deps);
  return databaseOver('postgresql', new Pool(poolOptions(options)), deps);
}

/** As the migrator: the right server, the newest schema, and a login that may take the application's roles. */
async function prepare(options: PostgresqlOptions, { log }: DatabaseDependencies): Promise<void> {
  const client = new Client({
    ...connection(options.migratorUrl ?? options.url, options.tls),
    connectionTimeoutMillis: 5000,
    lock_timeout: MIGRATION_LOCK_TIMEOUT_MS,
  });
  client.on('error', (error) => log.warn({ err: error }, 'the connection for migrations broke'));
  try {
    await client.connect();
    await checkServer(client);
    await migrate(async (text, values) => (await client.query(text, values)).rows, log);
    const login = new Client(options.url).user;
    if (options.migratorUrl !== undefined && login !== undefined) {
      await client.query(`grant licet_application, licet_platform to ${escapeIdentifier(login)}`);
    }
  } catch (error) {
    throw asStartupError(error, options.url);
  } finally {
    await client
      .end()
      .catch((error: unknown) => log.warn({ err: error }, 'the connection for migrations did not close'));
  }
}

async function checkServer(client: Client): Promise<void> {
  const { rows } = await client.query<{ version: string; read_only: string }>(
    `select current_setting('server_version_num') as version,
            current_setting('transaction_read_only') as read_only`,
  );
  const major = Math.floor(Number(rows[0]?.version) / 10_000);
  if (!(major >= OLDEST_MAJOR)) {
    throw new StartupError(
      'DATABASE_TOO_OLD',
      `This is PostgreSQL ${major}, and Licet needs ${OLDEST_MAJOR} or newer: upgrade the server.`,
    );
  }
  if (rows[0]?.read_only === 'on') throw readOnly();
}

function readOnly(cause?: unknown): StartupError {
  return new StartupError(
    'DATABASE_READ_ONLY',
    'PostgreSQL takes no writes (a standby, or default_transaction_read_only is on): point DATABASE_URL at the primary.',
    cause,
  );
}

function asStartupError(error: unknown, url: string): unknown {
  if (error instanceof StartupError) return error;
  const fault = faultOf(error);
  const code = codeOf(error);
  if (fault === 'read-only') return readOnly(error);
  if (fault === 'full') {
    return new StartupError('DISK_FULL', 'The disk of PostgreSQL is full: make room and start again.', error);
  }
  const reason = error instanceof Error ? error.message || code : String(error);
  if (fault === 'link' || fault === 'busy' || /timeout/.test(reason)) {
    const message = `PostgreSQL at ${whereIs(url)} does not answer (${reason}): start it or correct DATABASE_URL.`;
    return new StartupError('DATABASE_UNREACHABLE', message, error);
  }
  // 28: authorization; 3D000: no such database; 42501: no right; XX000/none: TLS refused.
  if (code.startsWith('28') || code === '3D000' || code === '') {
    const message = `PostgreSQL at ${whereIs(url)} refuses the connection (${reason}): correct DATABASE_URL or its TLS.`;
    return new StartupError('DATABASE_REFUSED', message, error);
  }
  return error;
}

/** Host and port only: a connection string may hold a password. */
function whereIs(url: string): string {
  const { host, port } = new Client(url);
  return `${host}:${port}`;
}

function poolOptions(options: PostgresqlOptions): PoolConfig {
  return {
    ...connection(options.url, options.tls),
    max: options.poolSize,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: options.statementTimeoutMs + REPLY_MARGIN_MS,
    statement_timeout: options.statementTimeoutMs,
    lock_timeout: options.lockTimeoutMs,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    application_name: 'licet',
    // Statements that do not wait for each other's rows go out at once (session.ts).
    pipeline: true,
  };
}

function connection(url: string, tls: PostgresqlOptions['tls']): ClientConfig {
  if (tls === undefined) return { connectionString: url };
  if (tls.mode === 'disable') return { connectionString: url, ssl: false };
  return {
    connectionString: url,
    ssl: { rejectUnauthorized: tls.mode === 'verify-full', ...(tls.ca === undefined ? {} : { ca: tls.ca }) },
  };
}
