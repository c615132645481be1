import { createPrivateKey, type KeyObject } from 'node:crypto';
import { AuthorityError } from '../errors.ts';
import type { PrivateKey, Vault, VaultEntry } from '../ports/key-store.ts';
import type { KeyDescription, KeyRole } from '../ports/signer.ts';
import { generateKey, publicKeyOf, signWith } from './algorithms.ts';
import { stateBytes } from './key-file.ts';
import type { Keyring } from './keyring.ts';
import { seal, unseal } from './sealed.ts';

/**
 * Private keys as PKCS#8 under AES-256-GCM, bound to everything that their file says about them: a file that was
 * changed, or put in the place of another, does not open.
 *
 * Wiping is best effort: the buffers that we make are filled with zeros once OpenSSL has its own copy; that copy lives
 * as long as the KeyObject, and JavaScript cannot reach it. Key material never becomes a string here.
 */
export class FileVault implements Vault {
  readonly kind = 'file';
  readonly #keyring: Keyring;

  constructor(keyring: Keyring) {
    this.#keyring = keyring;
  }

  async generate(role: KeyRole, describe: (publicKey: Uint8Array) => KeyDescription): Promise<VaultEntry> {
    const key = await generateKey(role.algorithm);
    const content = key.export({ type: 'pkcs8', format: 'der' });
    try {
      return this.#seal(describe(publicKeyOf(key)), content);
    } finally {
      content.fill(0);
    }
  }

  async open(entry: VaultEntry): Promise<PrivateKey> {
    const content = this.#unseal(entry);
    let key: KeyObject;
    try {
      key = createPrivateKey({ key: content, format: 'der', type: 'pkcs8' });
    } finally {
      content.fill(0);
    }
    const { algorithm } = entry.description;
    return { sign: (bytes, form) => signWith(key, algorithm, bytes, form) };
  }

  async reseal(entry: VaultEntry, description: KeyDescription): Promise<VaultEntry> {
    const content = this.#unseal(entry);
    try {
      return this.#seal(description, content);
    } finally {
      content.fill(0);
    }
  }

  /** Whether the file still waits for `rewrap` to move it to the newest key. */
  isOutdated(entry: VaultEntry): boolean {
    return entry.secret['keyringKey'] !== this.#keyring.newest.id;
  }

  async close(): Promise<void> {
    this.#keyring.close();
  }

  #seal(description: KeyDescription, content: Uint8Array): VaultEntry {
    const { id, key } = this.#keyring.newest;
    const sealed = seal(key, content, stateBytes(description)).toString('base64');
    return { description, vault: this.kind, secret: { keyringKey: id, sealed } };
  }

  #unseal({ description, secret }: VaultEntry): Buffer {
    const key = this.#keyring.find(secret['keyringKey'] ?? '');
    const sealed = Buffer.from(secret['sealed'] ?? '', 'base64');
    const content = key && unseal(key, sealed, stateBytes(description));
    if (content !== undefined) return content;
    throw new AuthorityError(
      'KEY_CORRUPT',
      `The file of key ${description.id} was changed or lies in the wrong place; restore it from its copy.`,
    );
  }
}
