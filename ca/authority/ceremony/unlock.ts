import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { AuthorityError } from '../errors.ts';
import { combineShares } from '../keys/shares.ts';
import type { Unlock } from '../keys/keyring.ts';
import type { Vault } from '../ports/key-store.ts';
import type { Signer } from '../ports/signer.ts';
import { readSecretFile } from '../signer/launch.ts';
import { openSigner } from '../signer/open.ts';
import { openVault } from '../signer/vaults.ts';
import type { SignerChoice } from './config/index.ts';
import type { Sitting } from './sitting.ts';

/** Opens the signer of a ceremony for as long as `work` takes, and notes what its journal gained. */
export async function withSigner<T>(
  sitting: Sitting,
  base: string,
  choice: SignerChoice,
  work: (signer: Signer) => Promise<T>,
): Promise<T> {
  const folder = resolve(base, choice.folder);
  const keys = await keysOf(sitting, base, choice, folder);
  const signer = await openSigner({ folder, clock: sitting.room.clock, keys }).finally(() => {
    if ('wrappingKey' in keys) keys.wrappingKey.fill(0);
    if ('passphrase' in keys) keys.passphrase.fill(0);
  });
  try {
    await sitting.noteJournal(signer, choice.folder, 'before');
    const result = await work(signer);
    await sitting.noteJournal(signer, choice.folder, 'after');
    return result;
  } finally {
    await signer.close();
  }
}

async function keysOf(sitting: Sitting, base: string, choice: SignerChoice, folder: string) {
  if (choice.pkcs11 !== undefined) return openToken(sitting, base, choice.pkcs11, folder);
  if (choice.awsKms !== undefined) return openCloud(sitting, base, choice.awsKms, folder);
  if (choice.shares !== undefined) return { wrappingKey: await putTogether(sitting, base, choice.shares) };
  return { passphrase: await readSecretFile(resolve(base, choice.passphraseFile ?? '')) } satisfies Unlock;
}

export function openToken(
  { room }: Pick<Sitting, 'room'>,
  base: string,
  { module, library, token, pinFile }: NonNullable<SignerChoice['pkcs11']>,
  folder: string,
): Promise<Vault> {
  const vault = {
    kind: 'pkcs11',
    // A package by its name, or by its path.
    module: module.startsWith('.') ? resolve(base, module) : module,
    library: resolve(base, library),
    token,
    pinFile: resolve(base, pinFile),
  } as const;
  return openVault({ folder, socket: '', vault }, undefined, room.clock);
}

function openCloud(
  { room }: Sitting,
  base: string,
  { credentialsFile, ...more }: NonNullable<SignerChoice['awsKms']>,
  folder: string,
): Promise<Vault> {
  const credentials = credentialsFile === undefined ? {} : { credentialsFile: resolve(base, credentialsFile) };
  const vault = { kind: 'aws-kms', ...more, ...credentials } as const;
  return openVault({ folder, socket: '', vault }, undefined, room.clock);
}

export async function putTogether(sitting: Sitting, base: string, files: readonly string[]): Promise<Uint8Array> {
  const lines: string[] = [];
  for (const file of files) {
    const line = await readFile(resolve(base, file), 'utf8');
    await checkAlone(file, line);
    lines.push(line);
    // Format, set, index, needed, total: nothing of the secret.
    sitting.note(`share ${basename(file)}: ${line.split(':').slice(1, 5).join(' ')}`);
  }
  return combineShares(lines);
}

/** A share can be checked by itself, so that the one that is wrong is named by its file. */
async function checkAlone(file: string, line: string): Promise<void> {
  try {
    await combineShares([line]);
  } catch (error) {
    if (!(error instanceof AuthorityError) || error.code !== 'SHARE_WRONG') return;
    throw new AuthorityError('SHARE_WRONG', `The file ${file} does not open: ${error.message}`, {
      details: [file],
      cause: error,
    });
  }
}
