import { suggestion } from './suggest.ts';
import { type Key, variableName } from './keys.ts';

/** Where a value came from, as a person would say it: `LICET_HTTP_PORT`, `--http.port`, `licet.yaml:4`, `default`. */
export type Origin = string;

/** A value that somebody gave, not yet judged. */
export type Given = {
  readonly path: string;
  readonly value: unknown;
  readonly origin: Origin;
  /** Where a relative path in it starts. */
  readonly base: string;
};

export type Problem = { readonly path: string; readonly origin: Origin; readonly message: string };

export type Source = { readonly given: readonly Given[]; readonly problems: readonly Problem[] };

/** Variables of this house that are not configuration of the server; the last ones are those of `licet`, which runs it. */
const OTHER_VARIABLES = new Set([
  'LICET_CONFIG',
  'LICET_CRASH_AT',
  'LICET_DEBUG',
  'LICET_REQUIRE_ALL',
  'LICET_AGENT_SOCKET',
  'LICET_ANCHORS',
  'LICET_CONTEXT',
  'LICET_CONTEXTS',
  'LICET_LICENSE',
  'LICET_TOKEN',
  'LICET_URL',
]);

/** Common names from elsewhere, weaker than our own. */
const ALIASES: Readonly<Record<string, string>> = {
  DATABASE_URL: 'database.url',
  DATABASE_URL_FILE: 'database.urlFile',
};

/** Every path that may be given: the keys, and for each secret the file that holds it. */
function accepted(keys: readonly Key[]): Map<string, Key> {
  const all = new Map(keys.map((key) => [key.path, key]));
  for (const key of keys) if (key.isSecret) all.set(`${key.path}File`, { ...key, kind: 'text' });
  return all;
}

export function fromEnvironment(
  keys: readonly Key[],
  env: Readonly<Record<string, string | undefined>>,
  base: string,
): Source {
  const byVariable = new Map([...accepted(keys)].map(([path, key]) => [variableName(path), { path, key }]));
  const given: Given[] = [];
  const problems: Problem[] = [];
  for (const [name, path] of Object.entries(ALIASES)) {
    const value = env[name];
    const key = accepted(keys).get(path);
    if (value !== undefined && value !== '' && key !== undefined) given.push({ path, value, origin: name, base });
  }
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith('LICET_') || OTHER_VARIABLES.has(name) || text === undefined) continue;
    const known = byVariable.get(name);
    if (known === undefined) {
      const hint = suggestion(name, [...byVariable.keys()]);
      problems.push({ path: name, origin: 'environment', message: `is not a configuration variable${hint}` });
      // An empty variable is how compose files and shells say "not set".
    } else if (text !== '') given.push({ path: known.path, value: fromText(text, known.key), origin: name, base });
  }
  return { given, problems };
}

/** `--http.port 8443`, `--http.port=8443`; a boolean may stand alone. */
export function fromFlags(keys: readonly Key[], argv: readonly string[], base: string): Source {
  const byPath = accepted(keys);
  const given: Given[] = [];
  const problems: Problem[] = [];
  for (let i = 0; i < argv.length; i++) {
    const [, name, attached] = /^--([^=]+)(?:=(.*))?$/s.exec(argv[i]!) ?? [];
    if (name === undefined) {
      problems.push({
        path: argv[i]!,
        origin: 'command line',
        message: 'is not a flag; flags look like --http.port 8443',
      });
      continue;
    }
    const next = argv[i + 1];
    const separate = attached === undefined && next !== undefined && !next.startsWith('--');
    if (separate) i++;
    const key = byPath.get(name);
    const text = attached ?? (separate ? next : key?.kind === 'boolean' ? 'true' : undefined);
    const origin = `--${name}`;
    if (key === undefined) {
      const hint = suggestion(name, [...byPath.keys()]);
      problems.push({ path: origin, origin: 'command line', message: `is not a flag${hint}` });
    } else if (text === undefined) problems.push({ path: name, origin, message: `needs a value: ${key.allowed}` });
    else given.push({ path: name, value: fromText(text, key), origin, base });
  }
  return { given, problems };
}

/** Text that is not of the kind stays text, for the schema to refuse in its words. */
function fromText(text: string, key: Key): unknown {
  const trimmed = text.trim();
  if (key.kind === 'number' && /^-?\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed);
  if (key.kind === 'boolean' && /^(true|false)$/i.test(trimmed)) return trimmed.toLowerCase() === 'true';
  if (key.kind === 'list') return trimmed === '' ? [] : trimmed.split(',').map((item) => item.trim());
  return text;
}
