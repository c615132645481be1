import { globSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, normalize } from 'node:path';
import { ROOMS, TEST_EXTRAS, type Room } from './import-table.ts';

export type Import = { readonly file: string; readonly specifier: string };

const STATEMENT =
  /(?:^|\n)\s*(?:import|export)\s(?:[^'"`;]*?\sfrom\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g;

export function sourceFiles(root: string): string[] {
  return globSync('{ca,server,ops}/**/*.ts', { cwd: root, exclude: ['**/node_modules/**', '**/dist/**'] })
    .map((file) => file.replaceAll('\\', '/'))
    .sort();
}

export function importsOf(root: string, file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  return [...text.matchAll(STATEMENT)].map((match) => ({ file, specifier: (match[1] ?? match[2]) as string }));
}

/** Folders of our packages by npm name, e.g. `@licet/format` → `ca/format`. */
export function workspaceFolders(root: string): ReadonlyMap<string, string> {
  const manifests = globSync('{ca,ops}/*/package.json', { cwd: root }).concat('server/package.json');
  return new Map(
    manifests.map((file) => {
      const manifest = JSON.parse(readFileSync(join(root, file), 'utf8')) as { name: string };
      return [manifest.name, dirname(file)];
    }),
  );
}

export function roomOf(path: string): Room | undefined {
  const inside = ROOMS.filter(({ folder }) => path === folder || path.startsWith(`${folder}/`));
  return inside.sort((a, b) => b.folder.length - a.folder.length)[0];
}

/** Why an import breaks a wall, or undefined when it does not. */
export function violation({ file, specifier }: Import, workspaces: ReadonlyMap<string, string>): string | undefined {
  const room = roomOf(file);
  if (room === undefined) return `${file} stands in no room: add its folder to ops/checks/import-table.ts`;
  const test = file.includes('/test/');
  if (isBuiltin(specifier)) return nodeViolation(room, specifier, test, file);
  if (specifier.startsWith('.')) return relativeViolation(room, file, specifier, workspaces, test);
  const name = packageName(specifier);
  const folder = workspaces.get(name);
  if (folder !== undefined) {
    const target = `${folder}${specifier.slice(name.length)}`;
    return folder === packageFolder(file, workspaces)
      ? `${file} imports its own package by name (${specifier}): use a relative path`
      : reach(room, file, target, test);
  }
  const allowed = room.packages.includes(name) || (test && TEST_EXTRAS.packages.includes(name));
  return allowed ? undefined : `${file} (${room.folder}) may not import the package ${name}`;
}

function nodeViolation(room: Room, specifier: string, test: boolean, file: string): string | undefined {
  if (!specifier.startsWith('node:')) return `${file} imports ${specifier}: write node:${specifier}`;
  if (test || room.node === true || room.node.includes(specifier)) return undefined;
  return `${file} (${room.folder}) may not import ${specifier}`;
}

function relativeViolation(
  room: Room,
  file: string,
  specifier: string,
  workspaces: ReadonlyMap<string, string>,
  test: boolean,
): string | undefined {
  const target = normalize(join(dirname(file), specifier)).replaceAll('\\', '/');
  if (!/\.(ts|js|json)$/.test(target)) return `${file} imports ${specifier} without its file extension`;
  if (target === 'require-node.js') return undefined;
  if (packageFolder(target, workspaces) !== packageFolder(file, workspaces)) {
    return `${file} reaches into another package by path (${specifier}): import it by name`;
  }
  return reach(room, file, target, test);
}

function reach(room: Room, file: string, target: string, test: boolean): string | undefined {
  const goal = roomOf(target);
  if (goal === room) return undefined;
  const allowed = [...room.ours, ...(test ? TEST_EXTRAS.ours : [])];
  // A package is entered by its name; inside the server, rooms are folders and single files.
  const open = allowed.some((entry) => target === entry || target.startsWith(`${entry}/`) || goal?.folder === entry);
  return open ? undefined : `${file} (${room.folder}) may not import ${target}`;
}

function packageFolder(file: string, workspaces: ReadonlyMap<string, string>): string | undefined {
  return [...workspaces.values()].find((folder) => file.startsWith(`${folder}/`));
}

function packageName(specifier: string): string {
  const [first = '', second = ''] = specifier.split('/');
  return first.startsWith('@') ? `${first}/${second}` : first;
}
