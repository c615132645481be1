import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { extname } from 'node:path';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { CliError, type CliIo } from '../io.ts';
import { printable } from '../printable.ts';
import { readInput } from '../read-input.ts';
import { callApi } from './client.ts';
import type { Context } from './contexts.ts';
import { chosenContext } from './session.ts';

type Kind = 'enterprise' | 'contract' | 'site';
type Options = {
  readonly format?: string;
  readonly context?: string;
  readonly out?: string;
  readonly json?: true;
  readonly dryRun?: true;
  readonly partial?: true;
};

const JSON_LINES = 'application/x-ndjson';

/** `licet site import sites.csv` and `licet site export`. */
export function registerBulk(group: Command, io: CliIo, kind: Kind): void {
  group
    .command('import')
    .argument('<file>', 'CSV or JSON lines, as export writes them; "-" for standard input')
    .description(`Import ${kind}s in bulk: tries all lines first, and does nothing when one is refused`)
    .option('--format <format>', 'csv or jsonl; default: by the name of the file, csv for standard input')
    .option('--dry-run', 'only try, and say what would happen')
    .option('--partial', 'import the lines that are good although others are refused')
    .option('--context <name>', 'another server than the current one')
    .option('--json', 'the outcome of each line as JSON')
    .exitOverride()
    .action((file: string, options: Options) => runImport(io, kind, file, options));
  group
    .command('export')
    .description(`Export all ${kind}s, as lines that import takes`)
    .option('--format <format>', 'csv or jsonl', 'csv')
    .option('--out <file>', 'write to a file instead of standard output')
    .option('--context <name>', 'another server than the current one')
    .exitOverride()
    .action((options: Options) =>
      download(io, `/api/v1/export?kind=${kind}&format=${formatOf(options.format ?? 'csv')}`, options),
    );
}

/** An answer of any length to a file or to standard output. */
export async function download(io: CliIo, path: string, { context, out }: Options): Promise<void> {
  const target = out === undefined ? undefined : createWriteStream(out);
  const failed = new Promise<never>((_, reject) => {
    target?.once('error', ({ message }) =>
      reject(new CliError(EXIT.cannotWrite, 'CANNOT_WRITE', `${String(out)} cannot be written: ${message}.`)),
    );
  });
  const lines = byLines((whole) => io.out(whole.map((line) => `${line}\n`).join('')));
  const onData = (part: Buffer): void => {
    if (target === undefined) lines(part);
    else target.write(part);
  };
  const call = { method: 'GET', path, accept: `text/csv, ${JSON_LINES}`, onData };
  await Promise.race([callApi(await chosenContext(io, context), call), failed]);
  if (target === undefined) return;
  target.end();
  await Promise.race([once(target, 'close'), failed]);
  io.err(`It is in ${String(out)}.`);
}

type LineResult = {
  readonly line: number;
  readonly outcome: string;
  readonly code?: string;
  readonly message?: string;
};
type Outcome = { readonly created: number; readonly refused: readonly LineResult[]; readonly stopped?: LineResult };

async function runImport(io: CliIo, kind: Kind, file: string, options: Options): Promise<void> {
  const format = formatOf(options.format ?? (extname(file) === '.jsonl' ? 'jsonl' : 'csv'));
  const text = (await readInput(file, io)).toString('utf8');
  const context = await chosenContext(io, options.context);
  const send = (dryRun: boolean) => sendRows(io, context, { kind, format, text, dryRun }, dryRun ? 'tried' : 'done');
  const tried = await send(true);
  const isGood = tried.refused.length === 0 && tried.stopped === undefined;
  if (options.dryRun === true || !(isGood || options.partial === true)) {
    report(io, tried, options, 'would be created');
    if (isGood) return;
    const fix = options.dryRun === true ? '' : ' Nothing was done; correct them, or import the rest with --partial.';
    throw new CliError(EXIT.refused, 'LINES_REFUSED', `${tried.refused.length} lines are refused.${fix}`);
  }
  const done = await send(false);
  report(io, done, options, 'created');
  if (done.stopped !== undefined) {
    throw new CliError(EXIT.temporary, 'IMPORT_STOPPED', `${done.stopped.message ?? ''} Send the file again later.`);
  }
}

function report(io: CliIo, { created, refused }: Outcome, { json }: Options, verb: string): void {
  if (json === true) {
    io.out(JSON.stringify({ created, refused }, null, 2));
    return;
  }
  const lines = refused.map(({ line, code, message }) => `line ${line}: ${message ?? ''} [${code ?? ''}]`);
  io.out(printable([...lines, `${created} ${verb}, ${refused.length} refused`]));
}

/** Reads the answer while it comes, and tells how far the server is. */
async function sendRows(io: CliIo, context: Context, body: object, verb: string): Promise<Outcome> {
  const refused: LineResult[] = [];
  const seen = { total: 0, done: 0, created: 0, stopped: undefined as LineResult | undefined, isWhole: false };
  const take = (line: string): void => {
    const value = JSON.parse(line) as LineResult & { total?: number; created?: number };
    if (value.total !== undefined) seen.total = value.total;
    else if (value.outcome === 'stopped') seen.stopped = value;
    else if (value.created !== undefined) Object.assign(seen, { created: value.created, isWhole: true });
    else {
      seen.done += 1;
      if (value.outcome === 'refused') refused.push(value);
      if (seen.done % PROGRESS_EVERY === 0) io.err(`${seen.done} of ${seen.total} ${verb}`);
    }
  };
  const onData = byLines((lines) => lines.forEach(take));
  await callApi(context, { method: 'POST', path: '/api/v1/import', body, accept: JSON_LINES, onData });
  if (seen.isWhole) return { created: seen.created, refused, ...(seen.stopped && { stopped: seen.stopped }) };
  throw new CliError(EXIT.unknown, 'ANSWER_STRANGE', 'The answer ended in the middle; send the same file again.');
}

/** What comes in pieces as whole lines; every answer ends with one. */
function byLines(take: (lines: readonly string[]) => void): (part: Buffer) => void {
  const decoder = new TextDecoder();
  let rest = '';
  return (part) => {
    const lines = (rest + decoder.decode(part, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (lines.length > 0) take(lines);
  };
}

const PROGRESS_EVERY = 100;

function formatOf(format: string): 'csv' | 'jsonl' {
  if (format === 'csv' || format === 'jsonl') return format;
  throw new CliError(EXIT.usage, 'OPTION_INVALID', `--format must be csv or jsonl, not "${format}".`);
}
