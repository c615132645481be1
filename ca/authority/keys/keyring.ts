import { randomBytes, scrypt } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { AuthorityError } from '../errors.ts';
import { ByteWriter } from '../journal/binary.ts';
import { writeDurably } from './durable-file.ts';
import { foreignVault, readKeyFile } from './key-file.ts';
import { JsonObject } from './json.ts';
import { seal, unseal, WRAPPING_KEY_LENGTH } from './sealed.ts';

/**
 * How a folder of keys is opened: by a passphrase, or by a 256-bit wrapping key (from shares, or from elsewhere).
 * Whoever read the bytes wipes them once they were used.
 */
export type Unlock = { readonly passphrase: Uint8Array } | { readonly wrappingKey: Uint8Array };

export type KeyringOptions = {
  /** scrypt's N; 2^17 takes about a third of a second and 128 MiB, which is what one guess costs. */
  readonly scryptCost?: number | undefined;
};

const SCRYPT_COST = 2 ** 17;
/** From and to. The least is for a passphrase of 256 random bits, which no cost makes harder to guess. */
export const SCRYPT_COSTS = [2 ** 10, 2 ** 22] as const;
const FORMAT = 'licet-keyring/1';
type Kdf =
  | { readonly name: 'none' }
  | {
      readonly name: 'scrypt';
      readonly cost: number;
      readonly blockSize: number;
      readonly parallelization: number;
      readonly salt: string;
    };
type KeyringFile = {
  readonly kdf: Kdf;
  readonly keys: readonly { readonly id: string; readonly sealed: Uint8Array }[];
};

/**
 * The keys that key files are sealed under. They lie in `keyring.json`, sealed under what the passphrase derives, so a
 * new passphrase replaces one file. There are two while `rewrap` moves key files from the older to the newer.
 */
export class Keyring {
  readonly #path: string;
  readonly #outer: Buffer;
  readonly #kdf: Kdf;
  #keys: readonly { readonly id: string; readonly key: Buffer }[];

  private constructor(path: string, kdf: Kdf, outer: Buffer, keys: Keyring['entries']) {
    this.#path = path;
    this.#kdf = kdf;
    this.#outer = outer;
    this.#keys = keys;
  }

  get entries(): readonly { readonly id: string; readonly key: Buffer }[] {
    return this.#keys;
  }

  /** The one that new and changed key files are sealed under. */
  get newest(): { readonly id: string; readonly key: Buffer } {
    return this.#keys.at(-1)!;
  }

  find(id: string): Buffer | undefined {
    return this.#keys.find((entry) => entry.id === id)?.key;
  }

  /** Opens the keyring of the folder, or makes one where nothing is sealed yet. */
  static async open(folder: string, unlock: Unlock, options: KeyringOptions = {}): Promise<Keyring> {
    const path = join(folder, 'keyring.json');
    const file = await readKeyring(path);
    if (file === undefined) {
      await assertNothingSealed(folder, path);
      return Keyring.#create(path, unlock, [newKey()], options);
    }
    const outer = await deriveKey(file.kdf, unlock);
    const keys = file.keys.map(({ id, sealed }) => {
      const key = unseal(outer, sealed, additional(file.kdf, id));
      if (key === undefined) throw locked(path);
      return { id, key };
    });
    return new Keyring(path, file.kdf, outer, keys);
  }

  /** The same keys under a new passphrase or wrapping key: one file, replaced as a whole. */
  async relock(unlock: Unlock, options: KeyringOptions = {}): Promise<Keyring> {
    return Keyring.#create(this.#path, unlock, this.#keys, options);
  }

  /** Adds a new key to seal under; the older stays until `dropOld`. Does nothing while there are two already. */
  async addKey(): Promise<void> {
    if (this.#keys.length === 1) await this.#save([...this.#keys, newKey()]);
  }

  async dropOld(): Promise<void> {
    const [old, ...rest] = this.#keys;
    if (rest.length === 0) return;
    await this.#save(rest);
    old?.key.fill(0);
  }

  close(): void {
    this.#outer.fill(0);
    for (const { key } of this.#keys) key.fill(0);
  }

  static async #create(
    path: string,
    unlock: Unlock,
    keys: Keyring['entries'],
    options: KeyringOptions,
  ): Promise<Keyring> {
    const kdf = newKdf(unlock, options.scryptCost ?? SCRYPT_COST);
    const keyring = new Keyring(path, kdf, await deriveKey(kdf, unlock), keys);
    await keyring.#save(keys);
    return keyring;
  }

  async #save(keys: Keyring['entries']): Promise<void> {
    const file = {
      format: FORMAT,
      kdf: this.#kdf,
      keys: keys.map(({ id, key }) => ({
        id,
        sealed: seal(this.#outer, key, additional(this.#kdf, id)).toString('base64'),
      })),
    };
    await writeDurably(this.#path, `${JSON.stringify(file, undefined, 2)}\n`);
    this.#keys = keys;
  }
}

function newKey(): { readonly id: string; readonly key: Buffer } {
  return { id: randomBytes(8).toString('hex'), key: randomBytes(WRAPPING_KEY_LENGTH) };
}

function newKdf(unlock: Unlock, cost: number): Kdf {
  if ('wrappingKey' in unlock) return { name: 'none' };
  return { name: 'scrypt', cost, blockSize: 8, parallelization: 1, salt: randomBytes(16).toString('base64') };
}

function additional(kdf: Kdf, id: string): Uint8Array {
  return new ByteWriter(256).text(FORMAT).text(JSON.stringify(kdf)).text(id).view();
}

async function deriveKey(kdf: Kdf, unlock: Unlock): Promise<Buffer> {
  if ('wrappingKey' in unlock) {
    if (kdf.name !== 'none' || unlock.wrappingKey.length !== WRAPPING_KEY_LENGTH) throw otherUnlock(kdf.name);
    return Buffer.from(unlock.wrappingKey);
  }
  if (kdf.name !== 'scrypt') throw otherUnlock(kdf.name);
  const { cost, blockSize, parallelization } = kdf;
  const limits = { cost, blockSize, parallelization, maxmem: 256 * cost * blockSize };
  const derive = promisify<Uint8Array, Uint8Array, number, typeof limits, Buffer>(scrypt);
  return derive(unlock.passphrase, Buffer.from(kdf.salt, 'base64'), WRAPPING_KEY_LENGTH, limits);
}

async function readKeyring(path: string): Promise<KeyringFile | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return parseKeyring(JsonObject.parse(text));
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new AuthorityError('KEY_CORRUPT', `${path} is no keyring (${cause.message}); restore it from its copy.`);
  }
}

function parseKeyring(file: JsonObject): KeyringFile {
  file.word('format', [FORMAT]);
  const kdf = parseKdf(file.object('kdf'));
  const keys = file.objects('keys').map((key) => ({ id: key.text('id'), sealed: key.bytes('sealed') }));
  file.finish();
  if (keys.length < 1 || keys.length > 2) throw new RangeError('It holds one key, or two while they are exchanged.');
  return { kdf, keys };
}

function parseKdf(kdf: JsonObject): Kdf {
  if (kdf.word('name', ['none', 'scrypt']) === 'none') return { name: 'none' };
  return {
    name: 'scrypt',
    cost: kdf.integer('cost', ...SCRYPT_COSTS),
    blockSize: kdf.integer('blockSize', 8, 8),
    parallelization: kdf.integer('parallelization', 1, 1),
    salt: kdf.text('salt'),
  };
}

/** The keys that are there were sealed with a keyring that is lost, or are not sealed at all. */
async function assertNothingSealed(folder: string, path: string): Promise<void> {
  const name = (await readdir(folder)).find((one) => one.endsWith('.key'));
  if (name === undefined) return;
  const entry = readKeyFile(await readFile(join(folder, name), 'utf8'), join(folder, name));
  throw entry.vault === 'file' ? lost(path) : foreignVault(entry, 'file');
}

function locked(path: string): AuthorityError {
  return new AuthorityError('KEY_LOCKED', `The passphrase or the shares do not open ${path}; give the right ones.`);
}

function lost(path: string): AuthorityError {
  return new AuthorityError(
    'KEY_CORRUPT',
    `${path} is missing, and without it the keys beside it cannot be opened; restore it from its copy.`,
  );
}

function otherUnlock(kdf: string): AuthorityError {
  const wanted = kdf === 'none' ? 'a wrapping key of 32 bytes (from its shares)' : 'a passphrase';
  return new AuthorityError('KEY_LOCKED', `This folder of keys is opened by ${wanted}; give that.`);
}
