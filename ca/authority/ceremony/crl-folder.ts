import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CertificateList, decodeCertificateList, decodePem, FormatError } from '@licet/format';
import { AuthorityError } from '../errors.ts';
import { instantText } from './words.ts';

export type ReadyCrl = { readonly name: string; readonly text: string; readonly crl: CertificateList };

/** The name sorts by the time from which the list is to be published. */
export const crlFileOf = ({ thisUpdate }: { readonly thisUpdate: Date }): string =>
  `crl-${instantText(thisUpdate).replaceAll(/[-:]/g, '')}.pem`;

/**
 * All lists that a ceremony made ready, the earliest first. Whoever publishes them verifies the one that it takes. A folder
 * without any is a mistake in its name, and nothing would ever be published from it.
 */
export async function readCrlFolder(folder: string): Promise<ReadyCrl[]> {
  const names = (await namesIn(folder)).filter((name) => /^crl-.+\.pem$/.test(name));
  if (names.length === 0) {
    const message = `${folder} holds no list; give the folder with the files crl-….pem that "licet ceremony crl" has made.`;
    throw new AuthorityError('CRL_REFUSED', message);
  }
  const lists = names.map(async (name) => {
    const text = await readFile(join(folder, name), 'utf8');
    return { name, text, crl: decode(text, name) };
  });
  return (await Promise.all(lists)).toSorted((a, b) => a.crl.thisUpdate.getTime() - b.crl.thisUpdate.getTime());
}

/** The newest list that has begun; undefined before the first begins. */
export function crlInForce(lists: readonly ReadyCrl[], at: Date): ReadyCrl | undefined {
  return lists.findLast(({ crl }) => crl.thisUpdate <= at);
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AuthorityError('CRL_REFUSED', `The lists cannot be read: ${why}.`, { cause });
  }
}

function decode(text: string, name: string): CertificateList {
  try {
    const [block] = decodePem(text, 'X509 CRL');
    if (block !== undefined) return decodeCertificateList(block.bytes);
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    throw new AuthorityError('CRL_REFUSED', `${name} is no CRL: ${cause.message}`, { cause });
  }
  throw new AuthorityError('CRL_REFUSED', `${name} holds no CRL.`);
}
