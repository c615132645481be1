import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AuthorityError } from '../errors.ts';

/**
 * One writer per folder. Node has no file locks of its own; SQLite, which it contains, has tried ones on every system,
 * and the kernel drops them with the process, however it ends. The database itself stays empty.
 */
export function lockFolder(folder: string): { release(): void } {
  const path = join(folder, 'lock');
  const database = new DatabaseSync(path);
  try {
    chmodSync(path, 0o600);
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (cause) {
    database.close();
    throw new AuthorityError(
      'SIGNER_UNAVAILABLE',
      `Another signer already works in ${folder}; stop it, or give this one a folder of its own.`,
      { cause },
    );
  }
  return { release: () => database.close() };
}
