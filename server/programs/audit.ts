import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { systemClock } from '../clock.ts';
import { loadConfig } from '../config/index.ts';
import { existingDatabase } from '../database-options.ts';
import { checkAudit, exportAudit } from '../licensing/audit/check.ts';
import { describeReport, headLine, parseCheckpoints } from '../licensing/audit/export.ts';
import { auditLog } from '../persistence/audit-log.ts';
import { type Database, openDatabase } from '../persistence/database.ts';
import { systemRandom } from '../random.ts';
import { startFailure } from '../start-error.ts';
import { log } from './log.ts';

// `licet audit` on a database: a program of its own beside the server, because who administers may not import the
// database. What comes after `--` is the server's own configuration, which says where the database is.
//
//   node audit.ts verify|export|checkpoint [--organization ID] [--from ROW] [--checkpoints FILE] [-- CONFIGURATION]
const USAGE = 'audit verify|export|checkpoint [--organization ID] [--from ROW] [--checkpoints FILE] [-- CONFIGURATION]';
const EXIT = { good: 0, broken: 1, unknown: 2 } as const;

type Task = {
  readonly organization: string | undefined;
  readonly from: number | undefined;
  readonly checkpoints: string | undefined;
};

const TASKS: Readonly<Record<string, (database: Database, task: Task) => Promise<number>>> = {
  async verify(database, { organization, from, checkpoints }) {
    const known = checkpoints === undefined ? [] : parseCheckpoints(readFileSync(checkpoints, 'utf8').split('\n'));
    let code: number = EXIT.good;
    const options = { checkpoints: known, ...(organization && { organization }), ...(from && { from }) };
    for await (const report of checkAudit(database, auditLog, options)) {
      print(describeReport(report));
      if (report.finding !== undefined) code = EXIT.broken;
    }
    return code;
  },

  async export(database, { organization }) {
    for await (const line of exportAudit(database, auditLog, organization)) await printed(line);
    return EXIT.good;
  },

  /** The heads of chains that are good as a whole: a checkpoint of a broken chain would vouch for it. */
  async checkpoint(database, { organization }) {
    let code: number = EXIT.good;
    for await (const report of checkAudit(database, auditLog, { ...(organization && { organization }) })) {
      if (report.finding === undefined && report.head !== undefined) print(headLine(report.head));
      if (report.finding === undefined) continue;
      process.stderr.write(`licet: ${describeReport(report)}\n`);
      code = EXIT.broken;
    }
    return code;
  },
};

async function main(argv: readonly string[]): Promise<number> {
  const dashes = argv.indexOf('--');
  const own = dashes === -1 ? argv : argv.slice(0, dashes);
  const configuration = dashes === -1 ? [] : argv.slice(dashes + 1);
  const [name = '', ...flags] = own;
  const run = TASKS[name];
  if (run === undefined) throw new TypeError(`usage: ${USAGE}`);
  const task = taskOf(flags);
  const { config } = await loadConfig({ argv: configuration, env: process.env, directory: process.cwd() });
  const database = await openDatabase(existingDatabase(config), { clock: systemClock, random: systemRandom, log });
  try {
    return await run(database, task);
  } finally {
    await database.close();
  }
}

function taskOf(flags: string[]): Task {
  const string = { type: 'string' } as const;
  const options = { organization: string, from: string, checkpoints: string };
  const { organization, from, checkpoints } = parseArgs({ args: flags, options, allowPositionals: false }).values;
  if (from !== undefined && !/^[1-9]\d{0,15}$/.test(from))
    throw new TypeError('--from is the number of a row, from 1 on');
  return { organization, checkpoints, from: from === undefined ? undefined : Number(from) };
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** An export can be larger than memory: as slow as who reads it. */
async function printed(line: string): Promise<void> {
  if (process.stdout.write(`${line}\n`)) return;
  await new Promise((resolve) => process.stdout.once('drain', resolve));
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  // Whatever it was, the question was not answered; a chain that is broken would be an answer.
  const { message, isForeseen } = startFailure(error);
  process.stderr.write(`licet: ${isForeseen || !(error instanceof Error) ? message : error.message}\n`);
  process.exitCode = EXIT.unknown;
}
