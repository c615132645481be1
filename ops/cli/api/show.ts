import { writeFileSync } from 'node:fs';
import { EXIT } from '../exit-codes.ts';
import { CliError, type CliIo } from '../io.ts';
import { printable } from '../printable.ts';

type How = { readonly isJson: boolean; readonly out: string | undefined };

/** An answer of the server: for programs as it came, for people as lines or as a table. */
export function show(io: CliIo, answer: unknown, { isJson, out }: How): void {
  if (out !== undefined) save(io, answer, out);
  if (isJson) io.out(JSON.stringify(answer ?? null, null, 2));
  else if (isPage(answer)) io.out(tableOf(answer));
  else if (answer !== undefined) io.out(printable(linesOf(answer)));
}

function save(io: CliIo, answer: unknown, file: string): void {
  const [what, pem] = pemIn(answer);
  if (pem === undefined) {
    throw new CliError(EXIT.unknown, 'NO_LICENSE', 'The answer holds no license, so nothing was written.');
  }
  try {
    writeFileSync(file, pem);
  } catch (error) {
    throw new CliError(EXIT.cannotWrite, 'CANNOT_WRITE', `${file} cannot be written: ${(error as Error).message}.`);
  }
  io.err(`The ${what} is in ${file}.`);
}

function pemIn(answer: unknown): readonly ['license' | 'chain', string | undefined] {
  const { license, authority } = isRecord(answer) ? answer : {};
  const pemOf = (value: unknown) => (isRecord(value) && typeof value['pem'] === 'string' ? value['pem'] : undefined);
  return authority === undefined ? ['license', pemOf(license)] : ['chain', pemOf(authority)];
}

type Page = { readonly items: readonly unknown[]; readonly next?: string };

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isPage = (value: unknown): value is Page => isRecord(value) && Array.isArray(value['items']);

/** The few columns that tell things apart; all else is in --json. */
const COLUMNS = [
  'id',
  'serial',
  'sequence',
  'at',
  'slug',
  'code',
  'number',
  'site',
  'name',
  'email',
  'roles',
  'madeBy',
  'explanation',
  'kind',
  'type',
  'actor',
  'action',
  'subject',
  'mode',
  'predecessor',
  'status',
  'severity',
  'notAfter',
  'endsAt',
  'liftedAt',
  'version',
];

/** A fork is as many rows as there are licenses to choose from. */
function rowsOf(item: Record<string, unknown>): Record<string, unknown>[] {
  const { licenses, ...common } = item;
  return Array.isArray(licenses) ? licenses.filter(isRecord).map((one) => ({ ...common, ...one })) : [item];
}

function tableOf({ items, next }: Page): string {
  const rows = items.filter(isRecord).flatMap(rowsOf);
  const columns = COLUMNS.filter((name) => rows.some((row) => row[name] !== undefined));
  const cells = [columns, ...rows.map((row) => columns.map((name) => scalar(row[name])))].map((row) =>
    row.map((cell) => printable([cell])),
  );
  const widths = columns.map((_, at) => Math.max(...cells.map((row) => row[at]?.length ?? 0)));
  const lines = cells.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  if (rows.length === 0) return 'There are none.';
  return [...lines, ...(next === undefined ? [] : [`more: --after ${next}`])].join('\n');
}

function linesOf(value: unknown, path = ''): string[] {
  if (isRecord(value)) {
    return Object.entries(value).flatMap(([name, it]) => linesOf(it, path === '' ? name : `${path}.${name}`));
  }
  if (Array.isArray(value) && value.some(isRecord)) {
    return value.flatMap((it, at) => linesOf(it, `${path}[${at}]`));
  }
  const text = scalar(value);
  // PEM and the like: as they are, to be copied.
  return text.includes('\n') ? [`${path}:`, ...text.trimEnd().split('\n')] : [path === '' ? text : `${path}: ${text}`];
}

const scalar = (value: unknown): string => {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value)) return value.map(String).join(', ');
  return typeof value === 'string' ? value : JSON.stringify(value);
};
