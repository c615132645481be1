import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

type Block = { readonly language: string; readonly file: string | undefined; readonly text: string };

/** A page of docs/. */
export const pageOf = (name: string): string => readFileSync(join(import.meta.dirname, '../../../docs', name), 'utf8');

/** From a heading up to the next one of its level. */
export function sectionOf(page: string, heading: string): string {
  const start = page.indexOf(`${heading}\n`);
  const end = page.indexOf('\n## ', start + 1);
  assert.ok(start > 0 && end > start, heading);
  return page.slice(start, end);
}

/** The fenced blocks of a page, in order; a second word behind the language is the name of a file. */
export function blocksOf(page: string): Block[] {
  return [...page.matchAll(/^```(\w+)(?: (\S+))?\n([\s\S]*?)^```$/gm)].map(([, language = '', file, text = '']) => ({
    language,
    file,
    text,
  }));
}

/** One shell script of the whole page: each file is written where the page shows it. */
export function scriptOf(page: string): string {
  const steps = blocksOf(page).map(({ language, file, text }) => {
    if (language === 'sh') return text;
    assert.ok(file !== undefined, `a block of ${language} has no file name`);
    return `cat > ${file} <<'LICET_PAGE'\n${text}LICET_PAGE\n`;
  });
  return ['set -eu', ...steps].join('\n');
}
