import { randomUUID } from 'node:crypto';
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { formatHighWater, type HighWater, NO_HIGH_WATER, parseHighWater, raise } from '../high-water.ts';

/** `new`: there is no such file, as before the first check. `damaged`: there is one, and it is not as it was written. */
export type MarkState = 'kept' | 'new' | 'damaged' | 'unreadable';

/** The mark in a file; nothing seen yet when there is no file, or none that can be read. */
export async function loadHighWater(path: string): Promise<HighWater> {
  return (await readHighWater(path)).mark;
}

/** The same, with what became of it: a mark that is gone, though there was one, is worth a word to the operator. */
export async function readHighWater(path: string): Promise<{ readonly mark: HighWater; readonly state: MarkState }> {
  try {
    const mark = parseHighWater(await readFile(path, 'utf8'));
    return mark === undefined ? { mark: NO_HIGH_WATER, state: 'damaged' } : { mark, state: 'kept' };
  } catch (error) {
    // Without the mark a verdict is still right about everything else; a product must not stop over its own note.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== undefined) return { mark: NO_HIGH_WATER, state: code === 'ENOENT' ? 'new' : 'unreadable' };
    throw error;
  }
}

/**
 * Raises the mark in a file to at least this one, and gives the result. The file is replaced as a whole (written beside
 * it, synced, renamed, the folder synced): a crash leaves the old mark or the new one. Processes that raise at the same
 * time take turns, so that no raise is lost. What is damaged is kept as `<path>.damaged`, for whoever wants to know.
 */
export async function saveHighWater(path: string, mark: HighWater): Promise<HighWater> {
  const before = await readHighWater(path);
  const after = raise(before.mark, mark);
  if (before.state === 'kept' && formatHighWater(after) === formatHighWater(before.mark)) return after;
  const lock = `${path}.lock`;
  await acquire(lock);
  try {
    const found = await readHighWater(path);
    const raised = raise(found.mark, mark);
    if (found.state === 'damaged') await rename(path, `${path}.damaged`);
    await replace(path, formatHighWater(raised));
    return raised;
  } finally {
    await rm(lock, { force: true });
  }
}

const PAUSE_MS = 10;
/** A turn takes a few milliseconds. Whoever holds one for so long has crashed. */
const ABANDONED_MS = 2_000;

async function acquire(lock: string): Promise<void> {
  let waited = 0;
  let holder: number | undefined;
  while (!(await create(lock))) {
    const seen = await inode(lock);
    waited = seen === holder ? waited + PAUSE_MS : 0;
    holder = seen;
    if (waited >= ABANDONED_MS) await rm(lock, { force: true });
    else await setTimeout(PAUSE_MS);
  }
}

async function create(lock: string): Promise<boolean> {
  try {
    await using file = await open(lock, 'wx', 0o600);
    return file.fd >= 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function inode(lock: string): Promise<number | undefined> {
  try {
    return (await stat(lock)).ino;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function replace(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}`;
  try {
    await writeSynced(temporary, text);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
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
