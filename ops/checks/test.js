import '../../require-node.js';
import '../../compile-cache.js';

const { runTests } = await import('./run-tests.ts');
process.exitCode = runTests(process.argv.slice(2));
