import '../../require-node.js';

const { runTests } = await import('./run-tests.ts');
process.exitCode = runTests(process.argv.slice(2));
