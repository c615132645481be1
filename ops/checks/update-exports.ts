import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { publicExports } from './exports.ts';

/** `npm run exports:update`, after a change of the public surface that you mean: the diff is what a reviewer reads. */
const root = join(import.meta.dirname, '../..');
writeFileSync(join(import.meta.dirname, 'public-exports.json'), `${JSON.stringify(publicExports(root), null, 2)}\n`);
