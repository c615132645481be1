import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sourceFiles } from '../imports.ts';

const ROOT = join(import.meta.dirname, '../../..');

/** The only places that know the real time and real chance; everything else is handed a Clock, an instant or a Random. */
const KNOWS_THE_WORLD = [
  /^server\/(main|clock|random)\.ts$/,
  /^ops\/(cli|agent|bench|checks)\//,
  /\/test\//,
  /^ca\/authority\/signer\/process\.ts$/,
  /^ops\/sample-app\/main\.ts$/,
];
const FORBIDDEN = /\bDate\.now\(\)|\bnew Date\(\)|\bMath\.random\(\)/;

describe('Time and chance', () => {
  it('are handed in everywhere but at the entrances', () => {
    const guilty = sourceFiles(ROOT)
      .filter((file) => !KNOWS_THE_WORLD.some((pattern) => pattern.test(file)))
      .filter((file) =>
        FORBIDDEN.test(readFileSync(join(ROOT, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')),
      );
    assert.deepEqual(guilty, []);
  });
});
