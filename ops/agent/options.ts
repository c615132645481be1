import { resolve } from 'node:path';
import { AgentError } from './errors.ts';

/** Of a command, as they were typed. */
export type Options = Readonly<Record<string, string | boolean | undefined>>;

export const text = (options: Options, name: string): string | undefined => {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
};

export function needed(options: Options, name: string): string {
  const value = text(options, name);
  if (value === undefined) throw new AgentError('USAGE', `--${name} is missing.`);
  return value;
}

export const DEFAULT_FOLDER = '/var/lib/licet';

export const folderOf = (options: Options): string => resolve(text(options, 'folder') ?? DEFAULT_FOLDER);
