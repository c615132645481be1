/**
 * Run as a process of its own, so that the needles are in no memory that is searched: counts where the private keys of
 * a folder stand in the memory of other processes, as bytes and as the text forms they could have leaked in.
 *
 *     node scan-memory.ts <folder of keys> <passphrase file> <pid> …
 */
import { createPrivateKey } from 'node:crypto';
import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { readKeyFile, stateBytes } from '../../keys/key-file.ts';
import { Keyring } from '../../keys/keyring.ts';
import { unseal } from '../../keys/sealed.ts';
import { readSecretFile } from '../launch.ts';

const [folder = '', passphraseFile = '', ...pids] = process.argv.slice(2);
const needles = await needlesOf(folder, passphraseFile);
process.stdout.write(JSON.stringify(pids.map((pid) => count(pid, needles))));

async function needlesOf(path: string, secret: string): Promise<Buffer[]> {
  const keyring = await Keyring.open(path, { passphrase: await readSecretFile(secret) });
  const files = readdirSync(path).filter((name) => name.endsWith('.key'));
  return files.flatMap((name) => {
    const entry = readKeyFile(readFileSync(join(path, name), 'utf8'), name);
    const sealed = Buffer.from(entry.secret['sealed']!, 'base64');
    const content = unseal(keyring.find(entry.secret['keyringKey']!)!, sealed, stateBytes(entry.description))!;
    const key = createPrivateKey({ key: content, format: 'der', type: 'pkcs8' });
    const scalar = Buffer.from(key.export({ format: 'jwk' }).d!, 'base64url');
    const lines = key.export({ format: 'pem', type: 'pkcs8' }).toString().split('\n');
    // OpenSSL keeps numbers with the least significant byte first.
    return [scalar, Buffer.from(scalar).reverse(), Buffer.from(scalar.toString('hex')), Buffer.from(lines[1]!)];
  });
}

function count(pid: string, wanted: readonly Buffer[]): number {
  let found = 0;
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  for (const line of readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n')) {
    const [, from, to, rights = ''] = /^([0-9a-f]+)-([0-9a-f]+) (\S{4})/.exec(line) ?? [];
    if (from === undefined || to === undefined || !rights.startsWith('rw')) continue;
    found += countIn(memory, Number.parseInt(from, 16), Number.parseInt(to, 16), wanted);
  }
  closeSync(memory);
  return found;
}

function countIn(memory: number, from: number, to: number, wanted: readonly Buffer[]): number {
  const size = 1 << 22;
  const overlap = 128;
  let found = 0;
  for (let at = from; at < to; at += size) {
    const bytes = readAt(memory, at, Math.min(size + overlap, to - at));
    for (const needle of wanted) if (bytes.includes(needle)) found += 1;
  }
  return found;
}

/** Pages that are not there cannot be read, and hold nothing. */
function readAt(memory: number, at: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  try {
    return bytes.subarray(0, readSync(memory, bytes, 0, length, at));
  } catch {
    return Buffer.alloc(0);
  }
}
