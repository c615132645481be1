import { globSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, normalize } from 'node:path';
import { ROOMS, TEST_EXTRAS, type Room } from './import-table.ts';

export type Import = { readonly file: string; readonly specifier: string; readonly typeOnly?: boolean };

export type Workspace = { readonly folder: string; readonly exports: Readonly<Record<string, string>> };

const STATEMENT =
  /(?:^|\n)\s*(?:import|export)\s(?:[^'"`;]*?\sfrom\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g;

export function sourceFiles(root: string): string[] {
  return globSync('{ca,server,ops}/**/*.ts', { cwd: root, exclude: ['**/node_modules/**', '**/dist/**'] })
    .map((file) => file.replaceAll('\\', '/'))
    .sort();
}

export function importsOf(root: string, file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  return [...text.matchAll(STATEMENT)].map((match) => ({
    file,
    specifier: match[1] ?? match[2] ?? '',
    typeOnly: /^\s*(?:import|export)\s+type\s/.test(match[0]),
  }));
}

/** Our packages by npm name. */
export function workspacesOf(root: string): ReadonlyMap<string, Workspace> {
  const manifests = globSync('{ca,ops}/*/package.json', { cwd: root }).concat('server/package.json');
  return new Map(
    manifests.map((file) => {
      const manifest = JSON.parse(readFileSync(join(root, file), 'utf8')) as { name: string } & Pick<
        Workspace,
        'exports'
      >;
      return [manifest.name, { folder: dirname(file), exports: manifest.exports }];
    }),
  );
}

export function roomOf(path: string): Room | undefined {
  const inside = ROOMS.filter(({ folder }) => path === folder || path.startsWith(`${folder}/`));
  return inside.sort((a, b) => b.folder.length - a.folder.length)[0];
}

type Workspaces = ReadonlyMap<string, Workspace>;

/** Why an import breaks a wall, or undefined when it does not. */
export function violation({ file, specifier, typeOnly = false }: Import, workspaces: Workspaces): string | undefined {
  const room = roomOf(file);
  if (room === undefined) return `${file} stands in no room: add its folder to ops/checks/import-table.ts`;
  const test = file.includes('/test/');
  // A type of Node's is erased before anything runs.
  if (isBuiltin(specifier)) return typeOnly ? undefined : nodeViolation(room, specifier, test, file);
  if (specifier.startsWith('.')) return relativeViolation(room, file, specifier, workspaces, test);
  const name = packageName(specifier);
  const workspace = workspaces.get(name);
  if (workspace !== undefined) {
    // A test may stand where a user stands.
    if (workspace.folder === packageFolder(file, workspaces) && !test) {
      return `${file} imports its own package by name (${specifier}): use a relative path`;
    }
    const entry = workspace.exports[`.${specifier.slice(name.length)}`];
    if (entry === undefined) return `${file} imports ${specifier}, which ${name} does not export`;
    return reach(room, file, normalize(join(workspace.folder, entry)), test);
  }
  const allowed = room.packages.includes(name) || (test && TEST_EXTRAS.packages.includes(name));
  return allowed ? undefined : `${file} (${room.folder}) may not import the package ${name}`;
}

function nodeViolation(room: Room, specifier: string, test: boolean, file: string): string | undefined {
  if (!specifier.startsWith('node:')) return `${file} imports ${specifier}: write node:${specifier}`;
  if (test || room.node === true || room.node.includes(specifier)) return undefined;
  return `${file} (${room.folder}) may not import ${specifier}`;
}

/** What every entry point imports before the program itself. */
const BEFORE_ALL = new Set(['require-node.js', 'compile-cache.js']);

function relativeViolation(
  room: Room,
  file: string,
  specifier: string,
  workspaces: Workspaces,
  test: boolean,
): string | undefined {
  const target = normalize(join(dirname(file), specifier)).replaceAll('\\', '/');
  if (!/\.(ts|js|json)$/.test(target)) return `${file} imports ${specifier} without its file extension`;
  if (BEFORE_ALL.has(target) || target === `${packageFolder(file, workspaces)}/package.json`) return undefined;
  // Drills run at full length what a package's own tests run in short.
  if (file.startsWith('ops/bench/') && target.includes('/test/')) return undefined;
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

function packageFolder(file: string, workspaces: Workspaces): string | undefined {
  return [...workspaces.values()].find(({ folder }) => file.startsWith(`${folder}/`))?.folder;
}

function packageName(specifier: string): string {
  const [first = '', second = ''] = specifier.split('/');
  return first.startsWith('@') ? `${first}/${second}` : first;
}
