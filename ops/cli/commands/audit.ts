import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { AuditExportError, describeReport, parseCheckpoints, verifyExport } from '@licet/server/audit';
import type { Command } from 'commander';
import { z } from 'zod';
import { callApi } from '../api/client.ts';
import { registerVerbs } from '../api/command.ts';
import { chosenContext } from '../api/session.ts';

import { EXIT, type ExitCode } from '../exit-codes.ts';
import { CliError, type CliIo } from '../io.ts';

type Options = { organization?: string; from?: string; checkpoints?: string; file?: string };

const CONFIGURATION = 'after --: flags of the server that say where its database is (or licet.yaml, or LICET_…)';

export function register(program: Command, io: CliIo): void {
  const audit = program.command('audit').description('The audit log: check it, export it, note where it stands.');
  audit
    .command('verify')
    .description('Checks every hash and link, and names the first bad row. Exit: 0 good, 1 broken, 2 cannot tell.')
    .option('--file <export>', 'check an exported audit log instead of a database ("-": standard input)')
    .option('--organization <id>', 'only this chain')
    .option('--from <row>', 'start at this row, trusting those before')
    .option('--checkpoints <file>', 'heads that were noted earlier: shows a log that was rewritten as a whole')
    .argument('[configuration...]', CONFIGURATION)
    .action(async (configuration: string[], options: Options) => {
      io.exit(
        options.file === undefined ? await onDatabase('verify', options, configuration, io) : await onFile(options, io),
      );
    });
  for (const [name, description] of [
    ['export', 'Writes the audit log as JSON lines, each with its hash, for whoever wants to check it elsewhere.'],
    ['checkpoint', 'Writes the heads of all good chains: keep them where nobody who can write the database can.'],
  ] as const) {
    audit
      .command(name)
      .description(description)
      .option('--organization <id>', 'only this chain')
      .argument('[configuration...]', CONFIGURATION)
      .action(async (configuration: string[], options: Options) => {
        io.exit(await onDatabase(name, options, configuration, io));
      });
  }
  for (const command of audit.commands) command.exitOverride();
  registerVerbs(audit, io, [{ verb: 'list', operation: 'listAudit' }]);
  audit
    .command('check')
    .description('Has a server check its own audit log, part by part (whoever can write its database: see verify)')
    .option('--context <name>', 'another server than the current one')
    .exitOverride()
    .action((options: { context?: string }) => checkOnServer(io, options.context));
}

const part = z.object({
  checked: z.number(),
  finding: z.object({ message: z.string() }).optional(),
  head: z.object({ sequence: z.number(), hash: z.string() }).optional(),
  next: z.number().optional(),
});

async function checkOnServer(io: CliIo, name: string | undefined): Promise<void> {
  const context = await chosenContext(io, name);
  let checked = 0;
  for (let from: number | undefined = 1; from !== undefined;) {
    const { body } = await callApi(context, { method: 'POST', path: '/api/v1/audit/verify', body: { from } });
    const { finding, head, next, ...rest } = part.parse(body);
    // The first of a part is the last of the one before.
    checked += rest.checked - (from === 1 ? 0 : 1);
    if (finding !== undefined) throw new CliError(EXIT.no, 'AUDIT_BROKEN', finding.message);
    if (next === undefined) {
      const end = head === undefined ? 'It is empty.' : `It ends with row ${head.sequence}, hash ${head.hash}.`;
      io.out(`${checked} rows are good. ${end}`);
    } else io.err(`${checked} rows are good so far`);
    from = next;
  }
}

async function onFile({ file = '-', checkpoints, organization, from }: Options, io: CliIo): Promise<ExitCode> {
  if (organization !== undefined || from !== undefined) {
    throw new CliError(EXIT.usage, 'USAGE', 'A file is checked as a whole: leave out --organization and --from.');
  }
  const input = file === '-' ? io.stdin : createReadStream(file);
  const failed = once(input, 'error').then(([error]) => Promise.reject(error as Error));
  try {
    const known = checkpoints === undefined ? [] : parseCheckpoints(readFileSync(checkpoints, 'utf8').split('\n'));
    return await Promise.race([failed, verify(input, known, io)]);
  } catch (error) {
    if (error instanceof AuditExportError)
      throw new CliError(EXIT.unknown, error.code, error.message, { cause: error });
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    throw new CliError(EXIT.unknown, 'NO_INPUT', `The file cannot be read: ${error.message}.`, { cause: error });
  }
}

async function verify(
  input: NodeJS.ReadableStream,
  known: ReturnType<typeof parseCheckpoints>,
  io: CliIo,
): Promise<ExitCode> {
  let code: ExitCode = EXIT.unknown;
  for await (const report of verifyExport(createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY }), known)) {
    io.out(describeReport(report));
    if (report.finding !== undefined) code = EXIT.no;
    else if (code === EXIT.unknown) code = EXIT.ok;
  }
  if (code === EXIT.unknown) io.err('licet: the file is empty, so there is nothing to check.');
  return code;
}

/** In a process of the server's, which alone knows the database. */
async function onDatabase(task: string, options: Options, configuration: string[], io: CliIo): Promise<ExitCode> {
  const program = fileURLToPath(import.meta.resolve('@licet/server/audit-program'));
  const flags = (['organization', 'from', 'checkpoints'] as const).flatMap((name) => {
    const value = options[name];
    return value === undefined ? [] : [`--${name}=${value}`];
  });
  const child = spawn(process.execPath, [program, task, ...flags, '--', ...configuration], {
    env: io.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = once(child, 'close') as Promise<[number | null]>;
  createInterface({ input: child.stderr }).on('line', (line) => io.err(line));
  for await (const line of createInterface({ input: child.stdout })) io.out(line);
  const [code] = await closed;
  return code === EXIT.ok || code === EXIT.no ? code : EXIT.unknown;
}
