import { join } from 'node:path';
import { AuthorityError } from '../errors.ts';
import type { Unlock } from '../keys/keyring.ts';
import type { Vault } from '../ports/key-store.ts';
import { type Launch, type Secret, withSecretFile } from './launch.ts';
import { openFileVault } from './open.ts';

/** Opens the vault that the launch names. What only some need is loaded only then. */
export async function openVault({ folder, vault }: Launch, secret: Secret, clock: { now(): Date }): Promise<Vault> {
  switch (vault.kind) {
    case 'file': {
      const keys = join(folder, 'keys');
      const { passphraseFile, scryptCost } = vault;
      const open = (unlock: Unlock) => openFileVault(keys, unlock, { scryptCost });
      if (passphraseFile !== undefined) return withSecretFile(passphraseFile, (passphrase) => open({ passphrase }));
      if (secret !== undefined) return open(secret);
      throw new AuthorityError('KEY_LOCKED', 'No passphrase was given; name a passphrase file.');
    }
    case 'pkcs11': {
      const { openPkcs11Vault } = await import('../keys/pkcs11-vault.ts');
      return withSecretFile(vault.pinFile, async (pin) => openPkcs11Vault({ ...vault, pin }));
    }
    case 'aws-kms': {
      const { openKmsVault } = await import('../keys/kms-vault.ts');
      return openKmsVault(vault, clock);
    }
    default:
      throw new AuthorityError('KEY_UNKNOWN', `There is no vault of the kind ${String(vault satisfies never)}.`);
  }
}
