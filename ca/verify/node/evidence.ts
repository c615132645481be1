import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readFileOf } from './read.ts';

/** What tells about revocation, as DER. */
export type FoundEvidence = { readonly crls: readonly Uint8Array[]; readonly ocsp: readonly Uint8Array[] };

export const NO_EVIDENCE: FoundEvidence = { crls: [], ocsp: [] };

/** A list of a million entries takes 40 MB. */
const MOST_BYTES = 64 * 1024 * 1024;

/**
 * What the agent keeps beside the license: `evidence/*.crl` and `*.ocsp`. What is not there, or may not be read, is no
 * evidence, and the verdict says what that means (`contact`).
 */
export async function readEvidence(folder: string): Promise<FoundEvidence> {
  const names = await readdir(folder).catch((): string[] => []);
  const read = async (ending: string): Promise<Uint8Array[]> => {
    const files = names.filter((name) => name.endsWith(ending));
    const found = await Promise.all(files.map((name) => readFileOf(join(folder, name), MOST_BYTES)));
    return found.flatMap((one) => (one.kind === 'text' ? [one.text as Uint8Array] : []));
  };
  return { crls: await read('.crl'), ocsp: await read('.ocsp') };
}
