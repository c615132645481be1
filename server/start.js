import module from 'node:module';
import { fileURLToPath } from 'node:url';
import '../require-node.js';

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
