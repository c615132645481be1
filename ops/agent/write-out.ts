import { writeFile } from 'node:fs/promises';
import { diskError } from './errors.ts';

/** What `--out` asks for: a file outside the folder of the site, which nothing has to find again after a crash. */
export async function writeOut(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (error) {
    throw diskError(path, error);
  }
}
