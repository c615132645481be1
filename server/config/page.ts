import { EXIT_CODES } from './exit-codes.ts';
import { type Key, type Section, sectionsOf } from './keys.ts';
import { schema } from './schema.ts';

const INTRODUCTION = `# Configuration

<!-- Made from server/config by \`npm run docs:config\`: change the schema, not this page. -->

Nothing needs to be configured to try Licet: every key has a default. Values come from four sources, and a later one wins:

1. the defaults below,
2. a file: \`--config FILE\`, or else \`LICET_CONFIG\`, or else \`licet.yaml\` in the working directory if it exists,
3. the environment: \`http.port\` is \`LICET_HTTP_PORT\`,
4. flags: \`--http.port 8443\` (with npm: \`npm start -- --http.port 8443\`).

A secret can also be given as a file that holds it and nothing else: \`database.urlFile\`, \`LICET_DATABASE_URL_FILE\`. A list
is written \`a,b\` in the environment and in flags. A relative path in the file starts at the folder of the file, elsewhere
at the working directory.

An unknown key or a value that is not allowed stops the start, and all of them are named at once. \`licet config check\`
shows every value in force and where it came from, without starting anything.
`;

/** docs/configuration.md */
export function configurationPage(): string {
  return [INTRODUCTION, ...sectionsOf(schema).map(sectionText), exitCodes()].join('\n');
}

function sectionText({ path, description, keys }: Section): string {
  const head = `## \`${path}\`\n\n${description}\n`;
  return `${head}\n${table(['key', 'allowed', 'default', 'what it is'], keys.map(row))}`;
}

function row(key: Key): string[] {
  const name = `\`${key.path}\`${key.isSecret ? ' (secret)' : ''}`;
  const fallback = key.default === undefined ? '' : `\`${JSON.stringify(key.default)}\``;
  return [name, key.allowed, fallback, key.description];
}

function exitCodes(): string {
  const rows = Object.values(EXIT_CODES).map(({ code, meaning }) => [String(code), meaning]);
  return `## Exit codes of the server\n\n${table(['code', 'meaning'], rows)}`;
}

/** Columns padded as prettier pads them, so that the formatter has nothing to say. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows].map((cells) => cells.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = head.map((_, i) => Math.max(3, ...all.map((cells) => cells[i]!.length)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |\n`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |\n`;
  return [line(all[0]!), rule, ...all.slice(1).map(line)].join('');
}
