import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { NO_HIGH_WATER } from '../../high-water.ts';
import { loadHighWater, readHighWater, saveHighWater } from '../high-water-file.ts';

const mark = (day: string, sequence = 1) => ({
  time: new Date(`2026-06-${day}T00:00:00Z`),
  sequences: { a: sequence },
  crlNumbers: { c: '7' },
});

describe('the file of the high-water mark', () => {
  let folder: string;
  let path: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'licet-mark-'));
    path = join(folder, 'high-water.json');
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('gives back what was saved', async () => {
    await saveHighWater(path, mark('10'));
    assert.deepEqual(await loadHighWater(path), mark('10'));
  });

  it('only ever rises, in each part', async () => {
    await saveHighWater(path, mark('10', 5));
    await saveHighWater(path, mark('12', 3));
    const result = await saveHighWater(path, mark('01', 1));
    assert.deepEqual(result, mark('12', 5));
    assert.deepEqual(await loadHighWater(path), mark('12', 5));
  });

  it('is private and leaves nothing else behind', async () => {
    await saveHighWater(path, mark('10'));
    assert.deepEqual(await readdir(folder), ['high-water.json']);
    if (process.platform !== 'win32') assert.equal((await stat(path)).mode & 0o777, 0o600);
  });

  it('is not written again when nothing rose', async () => {
    await saveHighWater(path, mark('10'));
    const before = (await stat(path)).ino;
    await saveHighWater(path, mark('09'));
    assert.equal((await stat(path)).ino, before);
  });

  it('starts over when it is missing or was cut off', async () => {
    assert.deepEqual(await loadHighWater(path), NO_HIGH_WATER);
    await saveHighWater(path, mark('10'));
    await writeFile(path, (await readFile(path, 'utf8')).slice(0, 40));
    assert.deepEqual(await loadHighWater(path), NO_HIGH_WATER);
    await saveHighWater(path, mark('11'));
    assert.deepEqual(await loadHighWater(path), mark('11'));
  });

  it('shows when it was edited, and keeps what it found', async () => {
    assert.equal((await readHighWater(path)).state, 'new');
    await saveHighWater(path, mark('10'));
    assert.equal((await readHighWater(path)).state, 'kept');
    const edited = (await readFile(path, 'utf8')).replace('2026-06-10', '2026-06-01');
    await writeFile(path, edited);
    assert.deepEqual(await readHighWater(path), { mark: NO_HIGH_WATER, state: 'damaged' });
    await saveHighWater(path, mark('09'));
    assert.deepEqual(await readHighWater(path), { mark: mark('09'), state: 'kept' });
    assert.equal(await readFile(`${path}.damaged`, 'utf8'), edited);
  });

  it('keeps the old mark and says so when it cannot be written', async () => {
    await assert.rejects(saveHighWater(join(folder, 'missing', 'mark.json'), mark('10')), { code: 'ENOENT' });
  });

  it('loses no raise of those that raise at the same time', async () => {
    const one = (id: string) => ({ ...NO_HIGH_WATER, sequences: { [id]: 1 } });
    const ids = Array.from({ length: 12 }, (_, i) => `grant-${i}`);
    await Promise.all(ids.map((id) => saveHighWater(path, one(id))));
    assert.deepEqual(Object.keys((await loadHighWater(path)).sequences).toSorted(), ids.toSorted());
    assert.deepEqual(await readdir(folder), ['high-water.json']);
  });

  it('is raised by processes of their own, and nothing of theirs is lost', async () => {
    const module = new URL('../high-water-file.ts', import.meta.url).href;
    const program = `import { saveHighWater } from ${JSON.stringify(module)};
      const [path, name] = process.argv.slice(1);
      for (let i = 0; i < 10; i += 1)
        await saveHighWater(path, { time: new Date(0), sequences: { [name + i]: 1 }, crlNumbers: {} });`;
    const run = promisify(execFile);
    const node = (name: string) => run(process.execPath, ['--input-type=module', '-e', program, path, name]);
    await Promise.all([node('a'), node('b')]);
    assert.equal(Object.keys((await loadHighWater(path)).sequences).length, 20);
  }).timeout(20_000);

  it('is raised although somebody crashed in the middle', async () => {
    await writeFile(`${path}.lock`, '');
    assert.deepEqual(await saveHighWater(path, mark('10')), mark('10'));
    assert.deepEqual(await readdir(folder), ['high-water.json']);
  }).timeout(20_000);
});
