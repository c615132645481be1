import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lockFolder } from '../journal/lock.ts';
import { AuthorityError } from '../errors.ts';
import type { VaultEntry } from '../ports/key-store.ts';
import type { KeyDescription } from '../ports/signer.ts';
import { prepareFolder } from './folder.ts';
import { readKeyFile } from './key-file.ts';
import { rewrapKeys, type RewrapOptions } from './rewrap.ts';

/** What the key files of a signer's folder say. Opens nothing, so nothing of it is proven. */
export async function listKeyFiles(folder: string): Promise<KeyDescription[]> {
  return (await readEntries(folder)).map(({ description }) => description);
}

async function readEntries(folder: string): Promise<VaultEntry[]> {
  const path = join(folder, 'keys');
  const names = (await readdir(path)).filter((name) => name.endsWith('.key')).toSorted();
  const files = names.map(async (name) => readKeyFile(await readFile(join(path, name), 'utf8'), join(path, name)));
  return Promise.all(files);
}

/** `rewrapKeys` for a signer's folder, while the lock of its journal keeps every signer away. */
export async function rewrapSigner(options: RewrapOptions): Promise<number> {
  const elsewhere = (await readEntries(options.folder)).find(({ vault }) => vault !== 'file');
  if (elsewhere !== undefined) {
    const message = `The keys of this folder lie in "${elsewhere.vault}" and are not sealed here: change the PIN or the access there.`;
    throw new AuthorityError('SIGNER_REFUSED', message);
  }
  const journal = join(options.folder, 'journal');
  await prepareFolder(journal);
  const lock = lockFolder(journal);
  try {
    return await rewrapKeys({ ...options, folder: join(options.folder, 'keys') });
  } finally {
    lock.release();
  }
}
