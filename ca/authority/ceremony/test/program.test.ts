import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { programHash } from '../program.ts';

describe('the hash of the program', () => {
  let folder: string;
  const at = (name: string) => join(folder, name);
  const write = (name: string, text: string) => {
    mkdirSync(dirname(at(name)), { recursive: true });
    writeFileSync(at(name), text);
  };
  const manifest = (fields: object) => JSON.stringify({ version: '1.0.0', main: 'index.js', ...fields });
  const hashOf = () => programHash({ '@licet/own': at('own') }, { 'entry.js': at('entry.js') });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'licet-program-'));
    const dependencies = { shares: '1.0.0', '@licet/elsewhere': '1.0.0' };
    write('own/package.json', manifest({ dependencies, optionalDependencies: { native: '1.0.0' } }));
    write('own/index.ts', 'own');
    write('entry.js', 'entry');
    write('node_modules/shares/package.json', manifest({ dependencies: { deep: '1.0.0' } }));
    write('node_modules/shares/esm/index.mjs', 'shares');
    write('node_modules/shares/node_modules/deep/package.json', manifest({}));
    write('node_modules/shares/node_modules/deep/index.cjs', 'deep');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  for (const name of [
    'own/index.ts',
    'own/package.json',
    'entry.js',
    'node_modules/shares/esm/index.mjs',
    'node_modules/shares/package.json',
    'node_modules/shares/node_modules/deep/index.cjs',
  ]) {
    it(`changes with ${name}`, async () => {
      const before = await hashOf();
      writeFileSync(at(name), name.endsWith('.json') ? manifest({ dependencies: {} }) : 'changed');
      assert.notEqual(await hashOf(), before);
    });
  }

  it('is the same without tests, and with what only some machines have', async () => {
    const before = await hashOf();
    write('own/test/some.test.ts', 'test');
    write('own/README.md', 'words');
    write('node_modules/native/package.json', manifest({}));
    write('node_modules/unrelated/index.js', 'unrelated');
    assert.equal(await hashOf(), before);
  });

  it('is not computed where something is not installed', async () => {
    rmSync(at('node_modules/shares'), { recursive: true });
    await assert.rejects(hashOf(), /Cannot find package 'shares'/);
  });
});
