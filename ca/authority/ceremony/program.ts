import { hash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';

/** Which program held a ceremony. */
export type Program = { readonly version: string; readonly node: string; readonly hash: string };

const NOT_PROGRAM: readonly string[] = ['node_modules', 'test'];

/**
 * SHA-256 over the names and the bytes of all source files of these packages: who has the same release computes the
 * same value, without git and wherever it was installed. `folders` are package folders by the name of the package.
 */
export async function programHash(folders: Readonly<Record<string, string>>): Promise<string> {
  const lines: string[] = [];
  for (const [name, folder] of Object.entries(folders)) {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile() && /\.(?:ts|js|json)$/.test(entry.name))
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep))
      .filter((parts) => !parts.some((part) => NOT_PROGRAM.includes(part)));
    const hashed = files.map(
      async (parts) => `${hash('sha256', await readFile(join(folder, ...parts)))} ${name}/${parts.join('/')}\n`,
    );
    lines.push(...(await Promise.all(hashed)));
  }
  return hash('sha256', lines.toSorted().join(''));
}
