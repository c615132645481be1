import { LicetError } from '../errors.ts';

export type Row = Readonly<Record<string, string>>;

/** A spreadsheet runs what begins like this as a formula. */
const FORMULA = /^['=+\-@\t\r]/;

/** RFC 4180: the first line names the columns. Numbers of lines in errors count as an editor does. */
export function parseCsv(text: string): { readonly line: number; readonly row: Row }[] {
  const [header, ...records] = recordsOf(text.startsWith('\uFEFF') ? text.slice(1) : text);
  if (header === undefined) return [];
  const names = header.cells;
  if (new Set(names).size < names.length) throw invalid(header.line, 'names a column twice');
  return records.map(({ line, cells }) => {
    if (cells.length !== names.length) throw invalid(line, `has ${cells.length} cells instead of ${names.length}`);
    return { line, row: Object.fromEntries(names.map((name, at) => [name, plain(cells[at] ?? '')])) };
  });
}

type CsvRecord = { readonly line: number; readonly cells: string[] };

/** A cell is quoted, with doubled quotes inside, or holds neither quotes nor commas nor line ends. */
const CELL = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;

function recordsOf(text: string): CsvRecord[] {
  const records: CsvRecord[] = [];
  let line = 1;
  let current: CsvRecord = { line, cells: [] };
  for (CELL.lastIndex = 0; CELL.lastIndex < text.length;) {
    const match = CELL.exec(text);
    if (match === null) throw invalid(line, 'has a quote that does not belong there');
    const [whole, quoted, bare, end] = match;
    current.cells.push(quoted?.replaceAll('""', '"') ?? bare ?? '');
    line += whole.split('\n').length - 1;
    if (end === ',' && CELL.lastIndex < text.length) continue;
    if (end === ',') current.cells.push('');
    if (current.cells.length > 1 || current.cells[0] !== '') records.push(current);
    current = { line, cells: [] };
  }
  return records;
}

export const csvLine = (cells: readonly string[]): string => `${cells.map(cellOf).join(',')}\r\n`;

function cellOf(value: string): string {
  const safe = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

const plain = (cell: string): string => (cell.startsWith("'") && FORMULA.test(cell.slice(1)) ? cell.slice(1) : cell);

function invalid(line: number, what: string): LicetError {
  return new LicetError('invalid', 'CSV_INVALID', `Line ${line} ${what}; correct the file and send it again.`);
}
