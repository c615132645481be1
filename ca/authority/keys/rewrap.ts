import { AuthorityError } from '../errors.ts';
import { FileVault } from './file-vault.ts';
import { KeyFolder } from './folder.ts';
import { Keyring, type KeyringOptions, type Unlock } from './keyring.ts';

export type RewrapOptions = KeyringOptions & {
  readonly folder: string;
  readonly unlock: Unlock;
  /** Without it the passphrase stays and only the key beneath it is new. */
  readonly newUnlock?: Unlock;
  readonly clock: { now(): Date };
  readonly progress?: (done: number, total: number) => void;
};

/**
 * Seals every key file anew, under a new key, and that under a new passphrase. Each step replaces one file as a whole,
 * and the keyring holds both keys in between: whoever is interrupted runs it again, with the old passphrase as long as
 * that still opens the keyring. The signer must not run meanwhile. Gives the number of files that were moved.
 */
export async function rewrapKeys(options: RewrapOptions): Promise<number> {
  const keyring = await Keyring.open(options.folder, options.unlock, options);
  const vault = new FileVault(keyring);
  const keys = await KeyFolder.open(options.folder, vault, options.clock);
  try {
    await keyring.addKey();
    const outdated = keys.entries().filter((entry) => vault.isOutdated(entry));
    for (const [done, { description }] of outdated.entries()) {
      await keys.rewrite(description.id);
      options.progress?.(done + 1, outdated.length);
    }
    if (keys.entries().some((entry) => vault.isOutdated(entry))) {
      throw new AuthorityError('KEY_CORRUPT', 'Not every key was moved, so the old key stays; run it again.');
    }
    await keyring.dropOld();
    if (options.newUnlock !== undefined) (await keyring.relock(options.newUnlock, options)).close();
    return outdated.length;
  } finally {
    await keys.close();
  }
}
