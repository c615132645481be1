import type { Loaded } from './load.ts';
import { keysOf } from './keys.ts';
import { schema } from './schema.ts';
import type { Origin } from './sources.ts';

export type Explained = {
  readonly key: string;
  /** What is in force, as JSON; a secret only shows that it is set. */
  readonly value: string;
  readonly origin: Origin;
};

/** Every effective value with where it came from. */
export function explain({ config, origins }: Loaded): Explained[] {
  return keysOf(schema).map((key) => {
    const value = valueAt(config, key.path);
    const shown = value === undefined ? 'not set' : key.isSecret ? '********' : JSON.stringify(value);
    return { key: key.path, value: shown, origin: origins.get(key.path) ?? 'default' };
  });
}

/** The secrets themselves: for the log to strike out, should one ever reach it inside another text. */
export const secretsOf = ({ config }: Loaded): string[] =>
  keysOf(schema)
    .filter((key) => key.isSecret)
    .map((key) => valueAt(config, key.path))
    .filter((value) => typeof value === 'string');

function valueAt(config: object, path: string): unknown {
  return path.split('.').reduce<unknown>((node, name) => (node as Record<string, unknown>)[name], config);
}
