import { syncTree } from './durable-files.ts';
import { lastWords, type PgliteInput, startPglite } from './pglite.ts';

/**
 * Makes a new data directory, as a process of its own: making one takes 200 MB more than running one, and a thread's
 * memory stays with the process when the thread ends.
 */
const input = JSON.parse(process.argv[2] ?? '') as PgliteInput;
const complaints: string[] = [];
try {
  const pg = await startPglite(input, complaints);
  await pg.close();
  syncTree(input.folder);
} catch (error) {
  process.stderr.write(lastWords(complaints, error));
  process.exitCode = 1;
}
