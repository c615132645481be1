import { hash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { FileVault } from '../keys/file-vault.ts';
import { KeyFolder, prepareFolder } from '../keys/folder.ts';
import { Keyring, type KeyringOptions, type Unlock } from '../keys/keyring.ts';
import type { CrashHook } from '../issue/crash-points.ts';
import { openJournal, type JournalOptions } from '../journal/journal.ts';
import type { Journal } from '../ports/journal.ts';
import type { Vault } from '../ports/key-store.ts';
import type { Signer } from '../ports/signer.ts';
import { Anchors } from './anchors.ts';
import { LocalSigner } from './local-signer.ts';

export type SignerOptions = KeyringOptions & {
  /** Holds `keys/` and `journal/`; readable by its owner only. The journal may be a mount of its own. */
  readonly folder: string;
  readonly clock: { now(): Date };
  /** Where private keys live: files under a passphrase or wrapping key, or a token, or a cloud. */
  readonly keys: Unlock | Vault;
  readonly journal?: Omit<JournalOptions, 'folder' | 'clock'>;
  readonly crashPoint?: CrashHook;
};

/** Opens the signer in this very process: for the ceremony, for tests, and inside the signer process. */
export async function openSigner(options: SignerOptions): Promise<Signer> {
  const { folder, clock } = options;
  await prepareFolder(folder);
  const path = join(folder, 'keys');
  const mustExist = existsSync(path) && readdirSync(path).some((name) => name.endsWith('.key'));
  const journal = openJournal({ ...options.journal, folder: join(folder, 'journal'), clock, mustExist });
  try {
    const vault = 'kind' in options.keys ? options.keys : await openFileVault(path, options.keys, options);
    const anchors = await Anchors.open(join(folder, 'anchors'));
    const keys = await KeyFolder.open(path, vault, clock);
    await noteFound(keys, journal);
    return await LocalSigner.open(keys, journal, anchors, clock, options.crashPoint);
  } catch (error) {
    await journal.close();
    throw error;
  }
}

/** A journal is known by its first line, so one that was begun anew has one at once. */
async function noteFound(keys: KeyFolder, journal: Journal): Promise<void> {
  if (journal.head().sequence > 0n) return;
  const found = (await keys.list()).map(({ id: key, publicKey }) => {
    const digest = hash('sha256', publicKey, 'buffer');
    return { type: 'key', key, event: 'found', digest } as const;
  });
  if (found.length > 0) await journal.append(found);
}

export async function openFileVault(path: string, unlock: Unlock, options: KeyringOptions = {}): Promise<FileVault> {
  await prepareFolder(path);
  return new FileVault(await Keyring.open(path, unlock, options));
}
