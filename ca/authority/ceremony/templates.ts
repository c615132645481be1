import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CEREMONIES, type CeremonyKind } from './config/index.ts';

/** A commented example of the file of a ceremony. */
export async function ceremonyTemplate(kind: CeremonyKind): Promise<string> {
  return readFile(join(import.meta.dirname, 'templates', `${kind}.yaml`), 'utf8');
}

export const isCeremony = (kind: string): kind is CeremonyKind => CEREMONIES.some((known) => known === kind);
