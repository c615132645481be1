import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { AgentError, diskError } from './errors.ts';

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

export const folderOf = (options: Options): string => resolve(text(options, 'folder') ?? '/var/lib/licet');

/** A file that was asked for by name. */
export async function writeOut(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (error) {
    throw diskError(path, error);
  }
}
