import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NO_HIGH_WATER } from '../../high-water.ts';
import { loadHighWater, saveHighWater } from '../high-water-file.ts';

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

  it('keeps the old mark and says so when it cannot be written', async () => {
    await assert.rejects(saveHighWater(join(folder, 'missing', 'mark.json'), mark('10')), { code: 'ENOENT' });
  });
});
