import { randomUUID } from 'node:crypto';
import { chmod, mkdir, open, readlink, rename, rm, symlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { diskError } from './errors.ts';

/**
 * Replaces a file as a whole: written beside it, synced, renamed, the folder synced. A loss of power leaves the old
 * content or the new one, never half of either.
 */
export async function writeDurably(path: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
  const written = await writeBeside(path, content, mode);
  await written.take();
}

/** The two halves of that, for what must not fail for want of room once something else has been changed. */
export async function writeBeside(path: string, content: string | Uint8Array, mode = 0o644) {
  const temporary = `${path}.${randomUUID()}.tmp`;
  const drop = (): Promise<void> => rm(temporary, { force: true });
  try {
    await writeSynced(temporary, content, mode);
  } catch (error) {
    await drop();
    throw diskError(path, error);
  }
  const take = async (): Promise<void> => {
    try {
      await rename(temporary, path);
      await syncFolder(dirname(path));
    } catch (error) {
      await drop();
      throw diskError(path, error);
    }
  };
  return { take, drop };
}

/** Writes files into a new folder that appears at once and whole, under its name. What is secret is so by its own mode. */
export async function writeFolderDurably(
  path: string,
  files: Readonly<Record<string, { content: string | Uint8Array; mode: number }>>,
): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await mkdir(temporary, { mode: 0o700 });
    await chmod(temporary, 0o755);
    for (const [name, { content, mode }] of Object.entries(files))
      await writeSynced(`${temporary}/${name}`, content, mode);
    await syncFolder(temporary);
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw diskError(path, error);
  }
}

/** Points a symbolic link somewhere else, in one step. */
export async function linkDurably(path: string, target: string): Promise<void> {
  if ((await readlink(path).catch(() => undefined)) === target) return;
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await symlink(target, temporary);
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw diskError(path, error);
  }
}

/** Gone as a whole and for good: a crash or a loss of power leaves all of a folder, or nothing. */
export async function removeDurably(path: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await rename(path, temporary);
    await syncFolder(dirname(path));
    await rm(temporary, { recursive: true, force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw diskError(path, error);
  }
}

/** Products that are let into the folder read there, whatever the umask of who types a command. */
async function writeSynced(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  await using file = await open(path, 'wx', 0o600);
  await file.chmod(mode);
  await file.writeFile(content);
  await file.sync();
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, 'r');
  await folder.sync();
}
