import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Config, schema } from './schema.ts';
import { fromFile } from './file.ts';
import { keysOf } from './keys.ts';
import type { Key } from './keys.ts';
import { judge } from './judge.ts';
import { type Given, type Origin, type Problem, fromEnvironment, fromFlags } from './sources.ts';

export type Loaded = {
  readonly config: Config;
  /** Where each key's value came from; a key that is absent here has its default. */
  readonly origins: ReadonlyMap<string, Origin>;
};

/** What the process was started with. */
export type Surroundings = {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly directory: string;
};

/** The start stops here: all problems at once, one a line, each with its place, its source and what is allowed. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const lines = problems.map(({ path, origin, message }) => `  ${path} (${origin}): ${message}`);
    super(`The configuration cannot be used:\n${lines.join('\n')}`);
    this.problems = problems;
  }
}

/** defaults < file < environment < flags */
export async function loadConfig({ argv, env, directory }: Surroundings): Promise<Loaded> {
  const keys = keysOf(schema);
  const { file, rest, problems: misuse } = configFlag(argv);
  const wanted = file ?? env['LICET_CONFIG'];
  const sources = [
    await fromFile(resolve(directory, wanted ?? 'licet.yaml'), wanted !== undefined),
    fromEnvironment(keys, env, directory),
    fromFlags(keys, rest, directory),
  ];
  const problems = [...misuse, ...sources.flatMap((source) => source.problems)];
  const given = new Map<string, Given>();
  for (const item of sources.flatMap((source) => readSecretFiles(source.given, keys, problems))) {
    given.set(item.path, withFullPath(item, keys));
  }
  const judged = judge([...given.values()], keys);
  problems.push(...judged.problems);
  if (judged.config === undefined || problems.length > 0) throw new ConfigError(problems);
  const origins = new Map([...given.values()].map((item) => [item.path, item.origin]));
  return { config: withFullDefaults(judged.config, directory), origins };
}

/** `--config FILE` says where to read, so it is not itself a value. */
function configFlag(argv: readonly string[]): { file?: string; rest: string[]; problems: Problem[] } {
  const rest = [...argv];
  const at = rest.findIndex((flag) => flag === '--config' || flag.startsWith('--config='));
  if (at === -1) return { rest, problems: [] };
  const attached = rest[at]!.split('=').slice(1).join('=');
  const separate = rest[at] === '--config';
  const [, next] = rest.splice(at, separate ? 2 : 1);
  const file = separate ? next : attached;
  if (file) return { file, rest, problems: [] };
  return { rest, problems: [{ path: '--config', origin: 'command line', message: 'needs the path of a file' }] };
}

/** `urlFile` becomes the `url` that the file holds; one newline at the end belongs to the editor, not to the secret. */
function readSecretFiles(given: readonly Given[], keys: readonly Key[], problems: Problem[]): Given[] {
  const secrets = new Set(keys.filter((key) => key.isSecret).map((key) => `${key.path}File`));
  return given.flatMap((item): Given[] => {
    if (!secrets.has(item.path)) return [item];
    const path = item.path.slice(0, -'File'.length);
    if (given.some((other) => other.path === path)) {
      const message = `is given twice, directly and as a file: give one of ${path} and ${item.path}`;
      problems.push({ path, origin: item.origin, message });
      return [];
    }
    try {
      const value = readFileSync(resolve(item.base, String(item.value)), 'utf8').replace(/\r?\n$/, '');
      return [{ ...item, path, value }];
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      const message = `the file ${String(item.value)} cannot be read (${code}); it must hold the secret and nothing else`;
      problems.push({ path: item.path, origin: item.origin, message });
      return [];
    }
  });
}

function withFullPath(item: Given, keys: readonly Key[]): Given {
  const key = keys.find(({ path }) => path === item.path);
  if (key?.isPath !== true || typeof item.value !== 'string' || item.value === '') return item;
  return { ...item, value: resolve(item.base, item.value) };
}

/** The one default that is a path. */
const withFullDefaults = (config: Config, directory: string): Config => ({
  ...config,
  data: { ...config.data, folder: resolve(directory, config.data.folder) },
});
