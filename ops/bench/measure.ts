import { globSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DRILL_BARS, SPEED_BARS } from './bars.ts';
import type { Measure, Row } from './row.ts';

type Kind = 'speed' | 'drills';

/**
 * `npm run bench [-- NAME…]` and `npm run drill [-- NAME…]`: runs the files of a folder one after the other (side by
 * side they would measure each other), prints the table, and writes it as JSON beside where it was called.
 */
export async function measure(kind: Kind, names: readonly string[]): Promise<number> {
  const files = globSync(join(import.meta.dirname, kind, '*.ts')).sort();
  const chosen = files.filter(
    (file) => names.length === 0 || names.some((name) => basename(file).startsWith(name.toLowerCase())),
  );
  const rows: Row[] = [];
  for (const file of chosen) {
    process.stderr.write(`… ${basename(file, '.ts')}\n`);
    const found = await runOne(file);
    rows.push(...found);
    // Also for whoever stops it here: the rest may take hours.
    for (const row of found) process.stderr.write(`${row.id} ${row.what ?? ''}: ${row.figure} ${verdict(row)}\n`);
    await keep(kind, rows);
  }
  const bars = kind === 'speed' ? SPEED_BARS : DRILL_BARS;
  const missing = Object.entries(bars).filter(([id]) => !rows.some((row) => row.id === id));
  print([...rows, ...missing.map(([id, what]) => ({ id, what, bar: '', figure: 'not run', pass: true }))]);
  return rows.every((row) => row.pass) ? 0 : 1;
}

function keep(kind: Kind, rows: readonly Row[]): Promise<void> {
  const kept = { at: new Date().toISOString(), node: process.version, rows };
  return writeFile(`licet-${kind}.json`, `${JSON.stringify(kept, null, 2)}\n`);
}

async function runOne(file: string): Promise<readonly Row[]> {
  const measured = (await import(file)) as Measure;
  try {
    const result = await measured.run();
    return 'id' in result ? [result] : result;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return [
      { id: basename(file).split('-')[0]?.toUpperCase() ?? '', bar: '', figure: `failed: ${reason}`, pass: false },
    ];
  }
}

function print(rows: readonly Row[]): void {
  const cells = rows.map((row) => [row.id, row.what ?? '', row.figure, row.bar, row.spread ?? '', verdict(row)]);
  const table = [['row', 'what', 'figure', 'bar', 'spread', ''], ...cells];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((line) => line[column]?.length ?? 0))) ?? [];
  for (const line of table) {
    process.stdout.write(
      `${line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd()}\n`,
    );
  }
}

function verdict(row: Row): string {
  if (row.figure === 'not run') return '';
  return row.pass ? 'ok' : 'BELOW THE BAR';
}
