import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { AuthorityError } from '../errors.ts';
import { SCRYPT_COSTS, type Unlock } from '../keys/keyring.ts';
import { JsonObject } from '../keys/json.ts';

/** Where private keys live, in words that fit into a file or a pipe. Secrets are never among them, only where they lie. */
export type VaultChoice =
  | {
      readonly kind: 'file';
      /** Read by the signer itself at each start; without it the secret comes in through the pipe. */
      readonly passphraseFile?: string | undefined;
      /** scrypt's N for a folder of keys that is new. Low only where the passphrase has 256 random bits. */
      readonly scryptCost?: number | undefined;
    }
  | {
      readonly kind: 'pkcs11';
      /** The installed package `pkcs11js`: a native addon, so whoever wants it installs it. */
      readonly module: string;
      /** The PKCS#11 library of the token, e.g. libsofthsm2.so. */
      readonly library: string;
      readonly token: string;
      readonly pinFile: string;
    }
  | {
      readonly kind: 'aws-kms';
      readonly region: string;
      /** Other than AWS's own, e.g. a VPC endpoint. */
      readonly endpoint?: string | undefined;
      /**
       * In the format of ~/.aws/credentials; read again when it changes. Without it, those that AWS gives to the
       * container or the machine.
       */
      readonly credentialsFile?: string | undefined;
      readonly profile?: string | undefined;
    };

export type SocketAccess = 'owner' | 'group';

/** What a signer process is told at its start. */
export type Launch = {
  readonly folder: string;
  readonly socket: string;
  /** Who may connect: this user alone, or this user's group as well, for a server that is another user. */
  readonly access?: SocketAccess | undefined;
  readonly vault: VaultChoice;
};

/** The secret that opens the keys, beside the launch. `wrappingKey` comes from shares. */
export type Secret = Unlock | undefined;

const LIMIT = 65_536;

/** Length and JSON of the launch, kind and length and bytes of the secret. The pipe stays open: see `process.ts`. */
export function encodeLaunch(launch: Launch, secret: Secret): Buffer {
  const json = Buffer.from(JSON.stringify(launch));
  const bytes =
    secret === undefined ? Buffer.alloc(0) : 'passphrase' in secret ? secret.passphrase : secret.wrappingKey;
  const out = Buffer.alloc(9 + json.length + bytes.length);
  out.writeUInt32BE(json.length, 0);
  out.set(json, 4);
  out.writeUInt8(secret === undefined ? 0 : 'passphrase' in secret ? 1 : 2, 4 + json.length);
  out.writeUInt32BE(bytes.length, 5 + json.length);
  out.set(bytes, 9 + json.length);
  return out;
}

export async function readLaunch(from: Readable): Promise<{ readonly launch: Launch; readonly secret: Secret }> {
  const json = await readSized(from);
  const kind = (await readExactly(from, 1)).readUInt8(0);
  const bytes = await readSized(from);
  const launch = parseLaunch(json.toString('utf8'));
  if (kind === 0) return { launch, secret: undefined };
  if (kind > 2) throw new RangeError(`The secret is of the unknown kind ${kind}.`);
  return { launch, secret: kind === 1 ? { passphrase: bytes } : { wrappingKey: bytes } };
}

/** Paths start at `base`, where there is one. Throws RangeError naming the field that is wrong. */
export function parseLaunch(text: string, base?: string): Launch {
  const file = JsonObject.parse(text);
  const path = (path: string) => (base === undefined ? path : resolve(base, path));
  const launch = {
    folder: path(file.text('folder', /./)),
    socket: path(file.text('socket', /./)),
    access: file.optional('access', (name) => file.word<SocketAccess>(name, ['owner', 'group'])),
    vault: parseVault(file.object('vault'), path),
  };
  file.finish();
  return launch;
}

function parseVault(vault: JsonObject, path: (path: string) => string): VaultChoice {
  const choice = vaultOf(vault, path);
  vault.finish();
  return choice;
}

function vaultOf(vault: JsonObject, path: (path: string) => string): VaultChoice {
  const text = (name: string) => vault.text(name, /./);
  const file = (name: string) => path(text(name));
  const kind = vault.word('kind', ['file', 'pkcs11', 'aws-kms']);
  switch (kind) {
    case 'file':
      return {
        kind,
        passphraseFile: vault.optional('passphraseFile', file),
        scryptCost: vault.optional('scryptCost', (name) => vault.integer(name, ...SCRYPT_COSTS)),
      };
    case 'pkcs11':
      return { kind, module: text('module'), library: file('library'), token: text('token'), pinFile: file('pinFile') };
    case 'aws-kms':
      return {
        kind,
        region: text('region'),
        endpoint: vault.optional('endpoint', text),
        credentialsFile: vault.optional('credentialsFile', file),
        profile: vault.optional('profile', text),
      };
    default:
      throw new RangeError(`There is no vault ${String(kind satisfies never)}.`);
  }
}

/** A secret in a file, without the line break that editors put at its end. Never becomes a string. */
export async function readSecretFile(path: string): Promise<Uint8Array> {
  const bytes = await readFile(path);
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] === 0x0a || bytes[end - 1] === 0x0d)) end -= 1;
  if (end > 0) return bytes.subarray(0, end);
  throw new AuthorityError('KEY_LOCKED', `The file ${path} is empty, and a secret should be in it.`);
}

/** The secret of a file, wiped when the work is done. */
export async function withSecretFile<T>(path: string, work: (secret: Uint8Array) => Promise<T>): Promise<T> {
  const secret = await readSecretFile(path);
  try {
    return await work(secret);
  } finally {
    secret.fill(0);
  }
}

async function readSized(from: Readable): Promise<Buffer> {
  const length = (await readExactly(from, 4)).readUInt32BE(0);
  if (length > LIMIT) throw new RangeError(`The launch holds a field of ${length} bytes, which is above the limit.`);
  return readExactly(from, length);
}

async function readExactly(from: Readable, length: number): Promise<Buffer> {
  if (length === 0) return Buffer.alloc(0);
  for (;;) {
    const bytes: unknown = from.read(length);
    if (bytes instanceof Buffer && bytes.length === length) return bytes;
    if (from.readableEnded || bytes instanceof Buffer) throw new RangeError('The launch ended before it was complete.');
    await new Promise<void>((resolve) => {
      const done = () => {
        from.off('readable', done).off('end', done);
        resolve();
      };
      from.once('readable', done).once('end', done);
    });
  }
}
