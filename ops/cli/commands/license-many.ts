import { createHash } from 'node:crypto';
import { parseSerial } from '@licet/format';
import type { Command } from 'commander';
import { z } from 'zod';
import { callApi } from '../api/client.ts';
import { confirm } from '../api/command.ts';
import { operations } from '../api/document.ts';
import { chosenContext } from '../api/session.ts';
import { show } from '../api/show.ts';
import { EXIT } from '../exit-codes.ts';
import { CliError, type CliIo } from '../io.ts';
import { readInput } from '../read-input.ts';

type Options = {
  readonly change: string;
  readonly reason?: string;
  readonly order?: string;
  readonly dryRun?: true;
  readonly yes?: true;
  readonly context?: string;
  readonly json?: true;
};

const answer = z.looseObject({
  total: z.int(),
  done: z.int(),
  outcomes: z.record(z.string(), z.int()),
  finishedAt: z.string().optional(),
  refused: z.array(z.object({ serial: z.string(), code: z.string() })),
});
type Answer = z.output<typeof answer>;

/** Stopped anywhere, on either side, the same command carries on where it was. */
export function registerMany(group: Command, io: CliIo): void {
  group
    .command('change-many')
    .description('revoke, suspend or reinstate the licenses of a file, one serial to a line; again: carry on')
    .argument('<file>', 'the serials; of several columns the first ("-": standard input)')
    .requiredOption('--change <change>', 'revoke, suspend or reinstate')
    .option('--reason <reason>', 'of a revocation: keyCompromise, superseded, cessationOfOperation, …')
    .option('--order <name>', 'a name of your own for this order; without it, one made from the list')
    .option('--context <name>', 'another server than the current one')
    .option('--json', 'the answer as JSON')
    .option('--dry-run', 'only say what would happen')
    .option('--yes', 'do not ask')
    .exitOverride()
    .action((file: string, options: Options) => changeMany(io, file, options));
}

async function changeMany(io: CliIo, file: string, options: Options): Promise<void> {
  const serials = serialsOf((await readInput(file, io)).toString('utf8'), file);
  const { change, reason, dryRun = false } = options;
  const order = options.order ?? orderFor(change, reason, serials);
  if (!dryRun && options.yes !== true) await confirm(io, `${change} ${serials.length} licenses`);
  const { method, path } = operations().get('changeManyLicenses');
  const body = { order, change, serials, dryRun, ...(reason !== undefined && { reason }) };
  const context = await chosenContext(io, options.context);
  const call = async () => answer.parse((await callApi(context, { method, path, body })).body);
  const now = dryRun ? await call() : await untilDone(io, order, call);
  show(io, { order, ...now }, { isJson: options.json === true, out: undefined });
  const isOver = now.finishedAt !== undefined;
  if (isOver)
    io.err(`Order ${order} was done at ${now.finishedAt} and changes nothing again: name a new one with --order.`);
  const isClean = (now.outcomes['applied'] ?? 0) + (now.outcomes['unchanged'] ?? 0) === now.total;
  if (isOver || !isClean) io.exit(EXIT.no);
}

async function untilDone(io: CliIo, order: string, call: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    const now = await call();
    if (now.finishedAt !== undefined) return now;
    io.err(`${now.done} of ${now.total} (${Math.floor((now.done / now.total) * 100)} %), order ${order}`);
    if (now.done >= now.total) return now;
  }
}

/** As other programs print them: `01:F3:A8…`, `0x01f3…`, or the first column of a table. */
function serialsOf(text: string, file: string): string[] {
  const lines = text.split(/\r?\n/).map((line, i) => ({ number: i + 1, cell: line.split(/[,;\t]/)[0]!.trim() }));
  const serials = lines
    .filter(({ cell, number }) => cell !== '' && !cell.startsWith('#') && !(number === 1 && /^"?serial"?$/i.test(cell)))
    .map(({ cell, number }) => {
      const serial = parseSerial(cell.replace(/^"(.*)"$/, '$1'));
      if (serial !== undefined) return serial;
      throw new CliError(EXIT.noInput, 'SERIAL_INVALID', `${file}, line ${number}: "${cell}" is no serial number.`);
    });
  if (serials.length > 0) return serials;
  throw new CliError(EXIT.noInput, 'NO_SERIALS', `${file} holds no serial number; write one to a line.`);
}

function orderFor(change: string, reason = '', serials: readonly string[]): string {
  const digest = createHash('sha256').update([change, reason, ...serials].join('\n'));
  return `${change}-${digest.digest('hex').slice(0, 16)}`;
}
