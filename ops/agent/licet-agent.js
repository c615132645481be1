#!/usr/bin/env node
import '../../require-node.js';

const args = process.argv.slice(2);
if (args.includes('run')) {
  const { startLean } = await import('./lean.js');
  startLean(args);
} else {
  await import('../../compile-cache.js');
}
const { main } = await import('./main.ts');
process.exitCode = await main(args);
