import { join } from 'node:path';
import { AuthorityError } from '../errors.ts';
import type { Vault } from '../ports/key-store.ts';
import { readSecretFile, type Launch, type Secret } from './launch.ts';
import { openFileVault } from './open.ts';

/** Opens the vault that the launch names. What only some need is loaded only then. */
export async function openVault({ folder, vault }: Launch, secret: Secret, clock: { now(): Date }): Promise<Vault> {
  switch (vault.kind) {
    case 'file': {
      const path = vault.passphraseFile;
      const unlock = path === undefined ? secret : { passphrase: await readSecretFile(path) };
      if (unlock === undefined)
        throw new AuthorityError('KEY_LOCKED', 'No passphrase was given; name a passphrase file.');
      return openFileVault(join(folder, 'keys'), unlock);
    }
    case 'pkcs11': {
      const { openPkcs11Vault } = await import('../keys/pkcs11-vault.ts');
      return openPkcs11Vault({ ...vault, pin: await readSecretFile(vault.pinFile) });
    }
    case 'aws-kms': {
      const { openKmsVault } = await import('../keys/kms-vault.ts');
      return openKmsVault(vault, clock);
    }
    default:
      throw new AuthorityError('KEY_UNKNOWN', `There is no vault of the kind ${String(vault satisfies never)}.`);
  }
}
