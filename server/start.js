import module from 'node:module';
import { fileURLToPath } from 'node:url';
import '../require-node.js';

// The C library would keep freed memory in one heap for each thread, and V8 a young generation for bursts that a server
// of this size never has: together 90 MB. Both are settled when a process begins, so this one begins again, in place.
if (process.platform === 'linux' && process.env.MALLOC_ARENA_MAX === undefined) {
  const node = [process.execPath, '--max-semi-space-size=4', '--disable-warning=ExperimentalWarning'];
  const args = [...node, ...process.execArgv, ...process.argv.slice(1)];
  process.execve(process.execPath, args, { ...process.env, MALLOC_ARENA_MAX: '1' });
}

// Node keeps the 35 MB of the program that takes types off for as long as a process lives that needed it, and takes
// half a second to run it over everything. From the second start on all is found in this cache, which lies with the
// code that it comes from and is as trusted as that. Where it cannot be written all works the same, and larger.
const cache = fileURLToPath(new URL('../node_modules/.cache/licet-code', import.meta.url));
module.enableCompileCache(cache);
// For worker threads and the signer.
process.env.NODE_COMPILE_CACHE = cache;

// Not a static import: that would be parsed, and fail, before the guard above could speak.
import('./main.ts').catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 70; // EXIT_CODES.crashed: a file of the program itself does not load
});
