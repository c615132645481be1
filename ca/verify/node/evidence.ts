import { readdir, readlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { readFileOf } from './read.ts';

/** What tells about revocation, as DER. */
export type FoundEvidence = { readonly crls: readonly Uint8Array[]; readonly ocsp: readonly Uint8Array[] };

export const NO_EVIDENCE: FoundEvidence = { crls: [], ocsp: [] };

/** A list of a million entries takes 40 MB. */
const MOST_BYTES = 64 * 1024 * 1024;

/** A configuration folder leads to the folder of the agent, and the license there to its present generation. */
const MOST_LINKS = 8;

/**
 * What the agent keeps beside the license: `evidence/*.crl` and `*.ocsp`; where the file is a link, perhaps beside what it
 * leads to. What is not there, or may not be read, is no evidence, and the verdict says what that means (`contact`).
 */
export async function evidenceBeside(license: string): Promise<FoundEvidence> {
  let file: string | undefined = license;
  for (let links = 0; file !== undefined && links <= MOST_LINKS; links += 1) {
    const folder = dirname(file);
    const found = await readEvidence(join(folder, 'evidence'));
    if (found.crls.length + found.ocsp.length > 0) return found;
    const target: string | undefined = await readlink(file).catch(() => undefined);
    file = target === undefined ? undefined : resolve(folder, target);
  }
  return NO_EVIDENCE;
}

async function readEvidence(folder: string): Promise<FoundEvidence> {
  const names = await readdir(folder).catch((): string[] => []);
  const read = async (ending: string): Promise<Uint8Array[]> => {
    const files = names.filter((name) => name.endsWith(ending));
    const found = await Promise.all(files.map((name) => readFileOf(join(folder, name), MOST_BYTES)));
    return found.flatMap((one) => (one.kind === 'text' ? [one.text as Uint8Array] : []));
  };
  return { crls: await read('.crl'), ocsp: await read('.ocsp') };
}
