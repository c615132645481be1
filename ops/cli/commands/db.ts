import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import type { Command } from 'commander';

import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';

export function register(program: Command, io: CliIo): void {
  const db = program.command('db').description('The database itself.');
  db.command('export')
    .description(
      'Writes the embedded database as SQL for psql: the way to a PostgreSQL of your own. Stop the server first.',
    )
    .argument('<file>', 'the file to make ("-": standard output)')
    .argument('[configuration...]', 'after --: flags of the server that say where its database is')
    .action(async (file: string, configuration: string[]) => {
      io.exit(await exportDatabase(file, configuration, io));
    });
  for (const command of db.commands) command.exitOverride();
}

/** In a process of the server's, which alone knows the database. */
async function exportDatabase(file: string, configuration: string[], io: CliIo): Promise<ExitCode> {
  const program = fileURLToPath(import.meta.resolve('@licet/server/db-program'));
  const child = spawn(process.execPath, [program, 'export', file, '--', ...configuration], {
    env: io.env,
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  const closed = once(child, 'close') as Promise<[number | null]>;
  createInterface({ input: child.stderr }).on('line', (line) => io.err(line));
  const [code] = await closed;
  if (code === EXIT.ok && file !== '-') io.err(`Written. Load it: psql --no-psqlrc --file ${file} "postgresql://…"`);
  return Object.values(EXIT).find((known) => known === code) ?? EXIT.internal;
}
