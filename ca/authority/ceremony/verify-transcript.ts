import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { type FileLine, mismatch, readTranscript } from './transcript.ts';
import { plainHash, sha256 } from './words.ts';

/** The folder of a signer goes on changing: its own journal guards it. */
const NOT_KEPT = 'signer';

export type Verified = {
  readonly seal: string;
  readonly lines: number;
  readonly files: number;
  /** Handed out, and not here any more: as it should be. */
  readonly away: readonly string[];
};

/**
 * Checks a transcript in itself and against the files beside it: each is as it was, none is missing, none was added.
 * `seal` is what the witnesses wrote down; without it, somebody who rewrote everything would not be noticed.
 */
export async function verifyTranscript(path: string, seal?: string): Promise<Verified> {
  const transcript = readTranscript(await readFile(path, 'utf8'));
  if (seal !== undefined && transcript.seal !== plainHash(seal))
    throw mismatch('The seal', 'is not the one that was written down');
  const folder = dirname(path);
  const away: string[] = [];
  for (const file of transcript.files) if (!(await isHere(folder, file))) away.push(file.name);
  const known = new Set([...transcript.files.map(({ name }) => name), relative(folder, path)]);
  for (const name of await filesIn(folder)) {
    if (!known.has(name)) throw mismatch(`The file ${name}`, 'is not in the transcript');
  }
  return { seal: transcript.seal, lines: transcript.lines.length, files: transcript.files.length, away };
}

async function isHere(folder: string, { kind, name, sha256: digest }: FileLine): Promise<boolean> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(join(folder, name));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    if (kind === 'handed out') return false;
    throw mismatch(`The file ${name}`, 'is missing');
  }
  if (sha256(bytes) !== digest) throw mismatch(`The file ${name}`, 'is not the one of the ceremony');
  return true;
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep))
    .filter(([top]) => top !== NOT_KEPT)
    .map((parts) => parts.join('/'));
}
