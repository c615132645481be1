import { randomUUID } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { formatHighWater, type HighWater, NO_HIGH_WATER, parseHighWater, raise } from '../high-water.ts';

/** The mark in a file; nothing seen yet when there is no file, or none that can be read. */
export async function loadHighWater(path: string): Promise<HighWater> {
  try {
    return parseHighWater(await readFile(path, 'utf8')) ?? NO_HIGH_WATER;
  } catch (error) {
    // Without the mark a verdict is still right about everything else; a product must not stop over its own note.
    if ((error as NodeJS.ErrnoException).code !== undefined) return NO_HIGH_WATER;
    throw error;
  }
}

/**
 * Raises the mark in a file to at least this one, and gives the result. The file is replaced as a whole (written beside
 * it, synced, renamed, the folder synced): a crash leaves the old mark or the new one.
 */
export async function saveHighWater(path: string, mark: HighWater): Promise<HighWater> {
  const before = await loadHighWater(path);
  const after = raise(before, mark);
  const text = formatHighWater(after);
  if (text === formatHighWater(before)) return after;
  const temporary = `${path}.${randomUUID()}`;
  try {
    await writeSynced(temporary, text);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
  return after;
}

async function writeSynced(path: string, text: string): Promise<void> {
  await using file = await open(path, 'wx', 0o600);
  await file.writeFile(text);
  await file.sync();
}

async function syncFolder(path: string): Promise<void> {
  // Windows cannot open folders, and its rename is in the journal of the file system.
  if (process.platform === 'win32') return;
  await using folder = await open(path, 'r');
  await folder.sync();
}
