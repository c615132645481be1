import fs from 'node:fs';
import { join } from 'node:path';

import type { Clock } from '../../licensing/ports/clock.ts';
import { StartupError } from '../errors.ts';
import { syncPath } from './durable-files.ts';

/** Of what stands beside PostgreSQL's own directory; raised when an older Licet could not read it any more. */
const FORMAT = 1;
/** Of PGlite 0.5.14. */
const POSTGRESQL = '18';

/**
 *   <folder>/database/licet.json     which format, which PostgreSQL
 *   <folder>/database/pgdata/        PostgreSQL's
 *   <folder>/database.new/           one that is being made; worth nothing until it is renamed
 */
export class DataFolder {
  readonly folder: string;
  readonly #database: string;
  readonly #fresh: string;

  constructor(folder: string) {
    this.folder = folder;
    this.#database = join(folder, 'database');
    this.#fresh = join(folder, 'database.new');
  }

  get data(): string {
    return join(this.#database, 'pgdata');
  }

  /** Makes the folder itself, and tries whether it can be written to. */
  static prepare(folder: string): DataFolder {
    try {
      fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
      const probe = join(folder, `.probe-${process.pid}`);
      fs.writeFileSync(probe, 'x');
      fs.rmSync(probe);
    } catch (error) {
      if (isFull(error)) throw diskFull(folder, error);
      const reason = error instanceof Error ? error.message : String(error);
      const message = `The database folder ${folder} cannot be written to (${reason}): correct its path or its rights.`;
      throw new StartupError('FOLDER_NOT_WRITABLE', message, error);
    }
    return new DataFolder(folder);
  }

  exists(): boolean {
    return fs.existsSync(this.#database);
  }

  /** Refuses what this version must not touch. */
  check(): void {
    const { format, postgresql } = this.#description();
    if (format > FORMAT || Number(postgresql) > Number(POSTGRESQL)) {
      const message = `The database folder ${this.folder} was written by a newer Licet (format ${format}, PostgreSQL ${postgresql}): start that version or a newer one.`;
      throw new StartupError('FOLDER_TOO_NEW', message);
    }
    if (format < FORMAT || Number(postgresql) < Number(POSTGRESQL)) {
      const message = `The database folder ${this.folder} was written by an older Licet (format ${format}, PostgreSQL ${postgresql}): run "licet db export" with that version and load the result into PostgreSQL.`;
      throw new StartupError('FOLDER_TOO_OLD', message);
    }
    for (const part of ['global/pg_control', 'base', 'pg_wal']) {
      if (!fs.existsSync(join(this.data, part))) throw corrupt(this.folder, `pgdata/${part} is missing`);
    }
  }

  #description(): { format: number; postgresql: string } {
    let format: unknown;
    let postgresql;
    try {
      ({ format } = JSON.parse(fs.readFileSync(join(this.#database, 'licet.json'), 'utf8')) as { format: unknown });
      postgresql = fs.readFileSync(join(this.data, 'PG_VERSION'), 'utf8').trim();
    } catch (error) {
      const known =
        error instanceof SyntaxError || (error instanceof Error && 'code' in error && error.code === 'ENOENT');
      throw known ? corrupt(this.folder, error.message, error) : error;
    }
    if (typeof format !== 'number' || !/^\d+$/.test(postgresql)) {
      throw corrupt(this.folder, 'licet.json or PG_VERSION says nothing');
    }
    return { format, postgresql };
  }

  /** A database appears at once and whole, whenever the making of it is interrupted. */
  async create(make: (data: string) => Promise<void>, clock: Clock): Promise<void> {
    fs.rmSync(this.#fresh, { recursive: true, force: true });
    try {
      const data = join(this.#fresh, 'pgdata');
      fs.mkdirSync(data, { recursive: true, mode: 0o700 });
      await make(data);
      const description = join(this.#fresh, 'licet.json');
      const created = clock.now().toISOString();
      fs.writeFileSync(description, `${JSON.stringify({ format: FORMAT, postgresql: POSTGRESQL, created })}\n`);
      syncPath(description);
      syncPath(this.#fresh);
      fs.renameSync(this.#fresh, this.#database);
      syncPath(this.folder);
    } catch (error) {
      fs.rmSync(this.#fresh, { recursive: true, force: true });
      throw isFull(error) ? diskFull(this.folder, error) : error;
    }
  }
}

export function corrupt(folder: string, reason: string, cause?: unknown): StartupError {
  const message = `The database folder ${folder} is damaged (${reason}): restore it from a backup, or move it away to begin anew.`;
  return new StartupError('FOLDER_CORRUPT', message, cause);
}

export function diskFull(folder: string, cause: unknown): StartupError {
  return new StartupError('DISK_FULL', `The disk of ${folder} is full: make room and start again.`, cause);
}

export function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === '53100');
}
