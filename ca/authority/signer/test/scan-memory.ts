/**
 * Run as a process of its own, so that the needles are in no memory that is searched: counts where the private keys of
 * a folder stand in the memory of other processes, as bytes and as the text forms they could have leaked in.
 *
 *     node scan-memory.ts <folder of keys> <passphrase file> <pid> …
 */
import { createPrivateKey } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readKeyFile, stateBytes } from '../../keys/key-file.ts';
import { Keyring } from '../../keys/keyring.ts';
import { unseal } from '../../keys/sealed.ts';
import { readSecretFile } from '../launch.ts';
import { countInMemory } from './process-memory.ts';

const [folder = '', passphraseFile = '', ...pids] = process.argv.slice(2);
const needles = await needlesOf(folder, passphraseFile);
process.stdout.write(JSON.stringify(pids.map((pid) => countInMemory(pid, needles))));

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
