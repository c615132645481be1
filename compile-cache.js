import module from 'node:module';
import { fileURLToPath } from 'node:url';

/**
 * Node takes half a second to take the types off everything, whenever a program starts, and keeps the 35 MB that does it
 * for as long as the process lives. From the second start on all is found in this cache, which lies with the code that
 * it comes from and is as trusted as that. Where it cannot be written all works the same, slower and larger.
 * Import this before anything in TypeScript.
 */
const cache = fileURLToPath(new URL('./node_modules/.cache/licet-code', import.meta.url));
module.enableCompileCache(cache);
// For worker threads and the processes that this one starts.
process.env.NODE_COMPILE_CACHE = cache;
