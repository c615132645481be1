import { hash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { dirname, join, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Which program held a ceremony. `node` also says the hash of what ran it. */
export type Program = { readonly version: string; readonly node: string; readonly hash: string };

/** Folders of packages by their names. */
export type Packages = Readonly<Record<string, string>>;

const SOURCE = /\.(?:[cm]?js|ts|json|wasm|node)$/;

/**
 * SHA-256 over the names and the bytes of all source files of our packages, of those that they depend on, and of what
 * runs before them: who has the same release computes the same value, without git and wherever it was installed.
 */
export async function programHash(own: Packages, entries: Readonly<Record<string, string>>): Promise<string> {
  const others = await dependenciesOf(own);
  const files = [
    ...Object.entries(entries),
    ...(await Promise.all(Object.entries(own).map((one) => filesOf(one, ['node_modules', 'test'])))).flat(),
    ...(await Promise.all([...others].map((one) => filesOf(one, ['node_modules'])))).flat(),
  ];
  const lines = files.map(async ([name, path]) => `${hash('sha256', await readFile(path))} ${name}\n`);
  return hash('sha256', (await Promise.all(lines)).toSorted().join(''));
}

/**
 * What is installed for every machine alike: `optionalDependencies` differ by platform, and no ceremony loads them. A
 * package that is there in several versions counts in each.
 */
async function dependenciesOf(own: Packages): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const folders = Object.values(own);
  for (const folder of folders) {
    const { dependencies = {} } = await manifestIn(folder);
    for (const name of Object.keys(dependencies)) {
      if (isOurs(name)) continue;
      // It throws where the package is not installed.
      const at = dirname(findPackageJSON(name, pathToFileURL(join(folder, 'package.json')))!);
      const key = `${name}@${(await manifestIn(at)).version}`;
      if (found.has(key)) continue;
      found.set(key, at);
      folders.push(at);
    }
  }
  return found;
}

/** Ours are named by who asks: not all that a command line depends on is a part of ceremonies. */
const isOurs = (name: string): boolean => name.startsWith('@licet/');

type Manifest = { readonly version?: string; readonly dependencies?: Readonly<Record<string, string>> };

const manifestIn = async (folder: string): Promise<Manifest> =>
  JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest;

async function filesOf([name, folder]: [string, string], without: readonly string[]): Promise<[string, string][]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && SOURCE.test(entry.name))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep))
    .filter((parts) => !parts.some((part) => without.includes(part)))
    .map((parts) => [`${name}/${parts.join('/')}`, join(folder, ...parts)]);
}
