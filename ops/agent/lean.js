import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { enableCompileCache, getCompileCacheDir } from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

/**
 * A process that reads TypeScript keeps the 35 MB of the program that takes the types off, for as long as it lives; one
 * that finds everything in Node's compile cache never loads that. So a short process fills the cache, and the one that
 * runs for years reads it. Plain JavaScript: this file comes before the cache.
 *
 * The cache is program code, so it lies in the folder of the site, where nobody else may write. Without such a folder,
 * or a right to write there, the agent works the same and is larger.
 */
export function startLean(args) {
  const { values } = parseArgs({ args, options: { folder: { type: 'string' } }, strict: false });
  const folder = typeof values.folder === 'string' ? values.folder : '/var/lib/licet';
  const owner = statSync(folder, { throwIfNoEntry: false });
  if (owner === undefined || owner.uid !== process.geteuid?.() || (owner.mode & 0o022) !== 0) return;
  // Whoever starts this may have chosen a place already, and Node keeps to that.
  const cache = getCompileCacheDir() === undefined ? join(folder, 'cache') : process.env.NODE_COMPILE_CACHE;
  const env = { ...process.env, NODE_COMPILE_CACHE: cache };
  const everything = join(import.meta.dirname, 'everything.js');
  spawnSync(process.execPath, [...process.execArgv, everything], { env, stdio: 'ignore' });
  enableCompileCache(cache);
}
