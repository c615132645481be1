import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lockFolder } from '../journal/lock.ts';
import type { KeyDescription } from '../ports/signer.ts';
import { prepareFolder } from './folder.ts';
import { readKeyFile } from './key-file.ts';
import { rewrapKeys, type RewrapOptions } from './rewrap.ts';

/** What the key files of a signer's folder say. Opens nothing, so nothing of it is proven. */
export async function listKeyFiles(folder: string): Promise<KeyDescription[]> {
  const path = join(folder, 'keys');
  const names = (await readdir(path)).filter((name) => name.endsWith('.key')).toSorted();
  const files = names.map(async (name) => readKeyFile(await readFile(join(path, name), 'utf8'), join(path, name)));
  return (await Promise.all(files)).map((entry) => entry.description);
}

/** `rewrapKeys` for a signer's folder, while the lock of its journal keeps every signer away. */
export async function rewrapSigner(options: RewrapOptions): Promise<number> {
  const journal = join(options.folder, 'journal');
  await prepareFolder(journal);
  const lock = lockFolder(journal);
  try {
    return await rewrapKeys({ ...options, folder: join(options.folder, 'keys') });
  } finally {
    lock.release();
  }
}
