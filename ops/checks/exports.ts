import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { workspacesOf } from './imports.ts';

export type PublicExports = Record<string, readonly string[]>;

const NAMED = /\bexport\s+(?:type\s+)?\{([^}]*)\}/g;
const DECLARED = /^export\s+(?:async\s+)?(?:const|function\*?|class|type|interface)\s+([A-Za-z0-9_$]+)/gm;
const STAR = /^export\s+\*/m;

/** What each library promises: the names, types included, that stand in the files its package.json exports. */
export function publicExports(root: string): PublicExports {
  const result: PublicExports = {};
  for (const [name, { folder, exports }] of workspacesOf(root)) {
    if (!folder.startsWith('ca/')) continue;
    for (const [subpath, file] of Object.entries(exports)) {
      result[join(name, subpath)] = namesIn(join(root, folder, file));
    }
  }
  return result;
}

function namesIn(path: string): string[] {
  const text = readFileSync(path, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
  if (STAR.test(text)) throw new Error(`${path}: "export *" hides what is public; name each export`);
  const named = [...text.matchAll(NAMED)].flatMap((match) => (match[1] ?? '').split(','));
  const names = named
    .map(
      (entry) =>
        entry
          .trim()
          .replace(/^type\s+/, '')
          .split(/\s+as\s+/)
          .at(-1) ?? '',
    )
    .concat([...text.matchAll(DECLARED)].map((match) => match[1] ?? ''));
  return [...new Set(names.filter((entry) => entry !== ''))].sort();
}
