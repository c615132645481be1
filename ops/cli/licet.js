#!/usr/bin/env node
import '../../require-node.js';

// A ceremony runs the source files whose hash is in its transcript, and nothing that was compiled from others before.
const isCeremony = /^(?:ceremony|authority enterprise)(?: |$)/.test(process.argv.slice(2).join(' '));
if (!isCeremony) await import('../../compile-cache.js');

const { main } = await import('./main.ts');
process.exitCode = await main(process.argv.slice(2));
