import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Certificate, encodePem, equalBytes } from '@licet/format';
import { prepareFolder } from '../keys/folder.ts';
import { writeDurably } from '../keys/durable-file.ts';
import { listKeyFiles } from '../keys/offline.ts';
import type { KeyDescription } from '../ports/signer.ts';
import { AuthorityError } from '../errors.ts';
import { type Chain, readChain, splitLinks } from './issuer-file.ts';

/** Beside `keys/` and `journal/` in the signer's folder: for each key of a CA its chain, `<key id>.pem`. */
const FOLDER = 'authorities';

export type AuthorityBundle = {
  readonly key: KeyDescription;
  /** The CA's own certificate first, the root last. */
  readonly chain: Chain;
  /** What vouches for that root, and by which it vouches for others; in the file they stand before it. */
  readonly links: readonly Certificate[];
};

/**
 * Every CA that was accepted into this signer's folder, older generations first: what a server starts with. The chain of
 * a key that was lost stays where it is: `isLost` says whether a key that is not here is one that the server knows.
 */
export async function readAuthorityBundle(
  signerFolder: string,
  isLost: (key: string) => Promise<boolean> = async () => false,
): Promise<AuthorityBundle[]> {
  const keys = new Map((await listKeyFiles(signerFolder)).map((key) => [key.id, key]));
  const bundles: AuthorityBundle[] = [];
  for (const name of await namesIn(join(signerFolder, FOLDER))) {
    const path = join(signerFolder, FOLDER, name);
    const { chain, links } = splitLinks(readChain(await readFile(path, 'utf8'), path));
    const id = name.slice(0, -'.pem'.length);
    const key = keys.get(id);
    if (key === undefined && (await isLost(id))) continue;
    if (key === undefined || !equalBytes(key.publicKey, chain[0].publicKey.raw)) {
      const message = `${path} belongs to no key of this signer: put back what is right of the two, or remove the chain of a key that is lost for good.`;
      throw new AuthorityError('KEY_UNKNOWN', message);
    }
    bundles.push({ key, chain, links });
  }
  return bundles.toSorted((a, b) => a.key.generation - b.key.generation);
}

export async function writeAuthorityBundle(
  signerFolder: string,
  { key, chain, links }: AuthorityBundle,
): Promise<void> {
  await prepareFolder(join(signerFolder, FOLDER));
  const inOrder = [...chain.slice(0, -1), ...links, ...chain.slice(-1)];
  const text = inOrder.map(({ der }) => encodePem('CERTIFICATE', der)).join('');
  await writeDurably(join(signerFolder, FOLDER, `${key.id}.pem`), text);
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => name.endsWith('.pem')).toSorted();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
