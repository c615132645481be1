import { Client, Pool } from 'pg';

import type { Database, DatabaseDependencies, EmbeddedOptions } from '../host.ts';
import { StartupError } from '../errors.ts';
import { migrate } from '../migrate.ts';
import { databaseOver } from '../pooled-database.ts';
import { Engine, EngineDied, type EngineInput } from './engine.ts';
import { corrupt, DataFolder, diskFull, isFull } from './folder.ts';
import { maintain, type Maintenance, MAINTENANCE } from './maintenance.ts';
import { ownFolder } from './owner.ts';
import { type Patience, SessionStream } from './session-stream.ts';

const DEFAULT_SHARED_BUFFERS_MB = 16;
const WAIT_FOR_SESSION_MS = 5000;
const PATIENCE: Patience = { idleMs: 10_000, answerMs: 30_000 };

/** What only tests choose. */
export type EmbeddedTuning = { patience?: Partial<Patience>; maintenance?: Maintenance };

export async function openEmbedded(
  options: EmbeddedOptions,
  deps: DatabaseDependencies,
  tuning: EmbeddedTuning = {},
): Promise<Database> {
  const folder = DataFolder.prepare(options.folder);
  const release = await ownFolder(folder.folder);
  try {
    const input = {
      folder: folder.data,
      sharedBuffersMb: options.sharedBuffersMb ?? DEFAULT_SHARED_BUFFERS_MB,
      fsync: true,
    };
    if (!folder.exists()) {
      deps.log.info({ folder: folder.folder }, 'making a new database');
      await folder.create((data) => Engine.initialize({ ...input, folder: data }), deps.clock);
    }
    folder.check();
    const engine = new LastingEngine(input, deps);
    await engine.current();
    const patience = { ...PATIENCE, ...tuning.patience };
    await migrateOn(engine, patience, deps);
    return await serve(engine, patience, tuning.maintenance ?? MAINTENANCE, deps, release);
  } catch (error) {
    await release();
    throw asStartupError(error, folder.folder);
  }
}

/** The engine that runs now: one that died is opened again by the next who needs it. */
class LastingEngine {
  readonly #input: EngineInput;
  readonly #deps: DatabaseDependencies;
  #engine: Promise<Engine> | undefined;
  #closing = false;

  constructor(input: EngineInput, deps: DatabaseDependencies) {
    this.#input = input;
    this.#deps = deps;
  }

  async current(): Promise<Engine> {
    this.#engine ??= this.#open();
    const engine = await this.#engine;
    if (engine.alive) return engine;
    // Two engines on one folder would destroy it: the next begins when the last one's thread is gone.
    await engine.ended;
    return this.current();
  }

  async #open(): Promise<Engine> {
    try {
      const engine = await Engine.open(this.#input);
      void this.#notice(engine);
      return engine;
    } catch (error) {
      this.#engine = undefined;
      throw error;
    }
  }

  async #notice(engine: Engine): Promise<void> {
    const reason = await engine.ended;
    this.#engine = undefined;
    if (!this.#closing) this.#deps.log.error({ err: reason }, 'the embedded database stopped and will be reopened');
  }

  async close(): Promise<void> {
    this.#closing = true;
    await (await this.#engine)?.close();
  }
}

async function migrateOn(engine: LastingEngine, patience: Patience, { log }: DatabaseDependencies): Promise<void> {
  const client = new Client({ user: 'postgres', database: 'postgres', stream: () => streamTo(engine, patience) });
  client.on('error', (error) => log.warn({ err: error }, 'the connection for migrations broke'));
  await client.connect();
  try {
    await migrate(async (text, values) => (await client.query(text, values)).rows, log);
  } finally {
    await client.end();
  }
}

function streamTo(engine: LastingEngine, patience: Patience): SessionStream {
  return new SessionStream(() => engine.current(), patience);
}

/** A pool of one: PostgreSQL's single-user mode has one session, and whoever has it has it alone. */
async function serve(
  engine: LastingEngine,
  patience: Patience,
  maintenance: Maintenance,
  deps: DatabaseDependencies,
  release: () => Promise<void>,
): Promise<Database> {
  let stream: SessionStream | undefined;
  const pool = new Pool({
    user: 'postgres',
    database: 'postgres',
    max: 1,
    idleTimeoutMillis: 0,
    connectionTimeoutMillis: WAIT_FOR_SESSION_MS,
    pipeline: true,
    stream: () => (stream = streamTo(engine, patience)),
  });
  pool.on('acquire', () => stream?.hold(true));
  pool.on('release', () => stream?.hold(false));
  const database = await databaseOver('embedded', pool, deps);
  const stopMaintenance = maintain(pool, deps.log, maintenance);
  return {
    ...database,
    async close() {
      await stopMaintenance();
      await database.close();
      await engine.close();
      await release();
    },
  };
}

function asStartupError(error: unknown, folder: string): unknown {
  if (error instanceof StartupError) return error;
  if (isFull(error)) return diskFull(folder, error);
  if (error instanceof EngineDied) return corrupt(folder, error.message, error);
  return error;
}
