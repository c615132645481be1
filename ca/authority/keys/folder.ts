import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AuthorityError } from '../errors.ts';
import type { KeyStore, PrivateKey, Vault, VaultEntry } from '../ports/key-store.ts';
import type { KeyDescription, KeyRole } from '../ports/signer.ts';
import { writeDurably } from './durable-file.ts';
import { foreignVault, readKeyFile, writeKeyFile } from './key-file.ts';

/** A folder with one file for each key: what the key is for, and what its vault needs to find or open it. */
export class KeyFolder implements KeyStore {
  readonly #path: string;
  readonly #vault: Vault;
  readonly #clock: { now(): Date };
  readonly #entries: Map<string, VaultEntry>;

  private constructor(path: string, vault: Vault, clock: { now(): Date }, entries: Map<string, VaultEntry>) {
    this.#path = path;
    this.#vault = vault;
    this.#clock = clock;
    this.#entries = entries;
  }

  /** The vault belongs to the folder from here on, and is closed with it. */
  static async open(path: string, vault: Vault, clock: { now(): Date }): Promise<KeyFolder> {
    try {
      return new KeyFolder(path, vault, clock, await readEntries(path, vault));
    } catch (error) {
      await vault.close();
      throw error;
    }
  }

  async list(): Promise<readonly KeyDescription[]> {
    return [...this.#entries.values()].map((entry) => entry.description);
  }

  entries(): readonly VaultEntry[] {
    return [...this.#entries.values()];
  }

  async create(role: KeyRole, generation: number): Promise<KeyDescription> {
    const id = randomBytes(16).toString('hex');
    const createdAt = this.#clock.now();
    const entry = await this.#vault.generate(role, (publicKey) => ({
      id,
      purpose: role.purpose,
      algorithm: role.algorithm,
      organization: role.organization,
      enterprise: role.enterprise,
      publicKey,
      createdAt,
      generation,
      retiredAt: undefined,
      certificate: undefined,
    }));
    return this.#save(entry);
  }

  async open(id: string): Promise<PrivateKey> {
    return this.#vault.open(this.#find(id));
  }

  async bind(id: string, certificate: Uint8Array): Promise<KeyDescription> {
    return this.#change(id, { certificate });
  }

  async retire(id: string): Promise<KeyDescription> {
    return this.#change(id, { retiredAt: this.#clock.now() });
  }

  /** Writes the file anew, sealed as the vault seals now. */
  async rewrite(id: string): Promise<void> {
    await this.#change(id, {});
  }

  async close(): Promise<void> {
    await this.#vault.close();
  }

  async #change(id: string, change: Partial<KeyDescription>): Promise<KeyDescription> {
    const entry = this.#find(id);
    return this.#save(await this.#vault.reseal(entry, { ...entry.description, ...change }));
  }

  async #save(entry: VaultEntry): Promise<KeyDescription> {
    const { id } = entry.description;
    await writeDurably(join(this.#path, `${id}.key`), writeKeyFile(entry));
    this.#entries.set(id, entry);
    return entry.description;
  }

  #find(id: string): VaultEntry {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw unknownKey(id);
    return entry;
  }
}

async function readEntries(path: string, vault: Vault): Promise<Map<string, VaultEntry>> {
  await prepareFolder(path);
  const entries = new Map<string, VaultEntry>();
  for (const name of (await readdir(path)).toSorted()) {
    if (!name.endsWith('.key')) continue;
    const entry = readKeyFile(await readFile(join(path, name), 'utf8'), join(path, name));
    if (`${entry.description.id}.key` !== name) throw misplaced(join(path, name));
    if (entry.vault !== vault.kind) throw foreignVault(entry, vault.kind);
    entries.set(entry.description.id, entry);
  }
  return entries;
}

export async function prepareFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  await chmod(path, 0o700);
}

export function unknownKey(id: string): AuthorityError {
  return new AuthorityError('KEY_UNKNOWN', `There is no key ${id} here.`);
}

function misplaced(path: string): AuthorityError {
  return new AuthorityError('KEY_CORRUPT', `${path} holds the key of another name; restore it from its copy.`);
}
