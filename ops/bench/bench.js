import '../../require-node.js';

const { measure } = await import('./measure.ts');
const [kind, ...names] = process.argv.slice(2);
process.exitCode = await measure(kind, names);
