import { createWriteStream, rmSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';

import { systemClock } from '../clock.ts';
import { EXIT_CODES } from '../config/exit-codes.ts';
import { loadConfig } from '../config/index.ts';
import { existingDatabase } from '../database-options.ts';
import { openDatabase } from '../persistence/database.ts';
import { exportDatabase } from '../persistence/export.ts';
import { systemRandom } from '../random.ts';
import { StartError, startFailure } from '../start-error.ts';
import { log } from './log.ts';

// `licet db export`: a program of its own beside the server, because who administers may not import the database. What
// comes after `--` is the server's own configuration, which says where the database is.
//
//   node db.ts export FILE|- [-- CONFIGURATION]
const USAGE = 'usage: db export FILE|- [-- CONFIGURATION]';

async function main(argv: readonly string[]): Promise<void> {
  const dashes = argv.indexOf('--');
  const [task, file, ...others] = dashes === -1 ? argv : argv.slice(0, dashes);
  if (task !== 'export' || file === undefined || others.length > 0) throw new StartError(64, USAGE); // EX_USAGE
  const configuration = dashes === -1 ? [] : argv.slice(dashes + 1);
  const { config } = await loadConfig({ argv: configuration, env: process.env, directory: process.cwd() });
  const options = existingDatabase(config);
  if (options.host !== 'embedded') {
    const message =
      'The configuration names a PostgreSQL, which pg_dump exports; this command is for the embedded one.';
    throw new StartError(EXIT_CODES.configuration.code, message);
  }
  const database = await openDatabase(options, { clock: systemClock, random: systemRandom, log });
  try {
    await (file === '-'
      ? exportDatabase(database, process.stdout)
      : toFile(file, (out) => exportDatabase(database, out)));
  } finally {
    await database.close();
  }
}

/** A new file that only its owner can read, for it holds everything; half of it is worth nothing and is removed. */
async function toFile(file: string, write: (output: Writable) => Promise<void>): Promise<void> {
  const output = createWriteStream(file, { flags: 'wx', mode: 0o600, flush: true });
  const done = finished(output);
  try {
    await Promise.race([done, write(output)]);
    output.end();
    await done;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code !== 'EEXIST') rmSync(file, { force: true });
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    throw new StartError(73, `The file ${file} cannot be written (${code}): choose another.`, error); // EX_CANTCREAT
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  const { message, exitCode } = startFailure(error);
  process.stderr.write(`licet: ${message}\n`);
  process.exitCode = exitCode;
}
