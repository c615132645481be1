import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const IMPORT = /(?:^|[^\w.])(?:import|export)\b[^'";]*?from\s+'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/gm;

/** A package of ours that only holders of keys take in: it is followed like the signer's own files. */
const KEYSTORES: Record<string, string> = {
  '@licet/keystores': '../../../keystores/index.ts',
  '@licet/keystores/cryptoki': '../../../keystores/pkcs11/cryptoki.ts',
};

/** Everything that a file takes in at run time, followed as far as the signer's own code goes. */
function reach(file: string, seen = new Map<string, Set<string>>()): Map<string, Set<string>> {
  if (seen.has(file)) return seen;
  const outside = new Set<string>();
  seen.set(file, outside);
  const text = readFileSync(file, 'utf8')
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/^import type [^;]*;/gm, '');
  for (const [, fixed, lazy] of text.matchAll(IMPORT)) {
    const name = (fixed ?? lazy)!;
    const own = KEYSTORES[name];
    if (own !== undefined) reach(join(import.meta.dirname, own), seen);
    else if (name.startsWith('.')) reach(join(dirname(file), name), seen);
    else outside.add(name);
  }
  return seen;
}

describe('The signer process', () => {
  it('takes in nothing but Node, @licet/format and what talks to keystores', () => {
    const start = join(import.meta.dirname, '../process.ts');
    assert.ok(existsSync(start));
    const reached = reach(start);
    assert.ok(reached.size > 20, `${reached.size} files`);
    const foreign = [...reached].flatMap(([file, names]) =>
      [...names]
        .filter((name) => !name.startsWith('node:') && name !== '@licet/format')
        .map((name) => `${relative(dirname(start), file)}: ${name}`),
    );
    assert.deepEqual(foreign, []);
  });
});
