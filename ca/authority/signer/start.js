#!/usr/bin/env node
// The signer as a unit of its own: docs/operations.md.
import '../../../require-node.js';

const { becomeSigner } = await import('./alone.ts');
process.exitCode = becomeSigner(process.argv.slice(2));
