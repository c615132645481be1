/**
 * The embedded database's worker with every change it makes to files written down first: data included, in order, so
 * that a test can stop the world between any two of them. PGlite does its input and output through Node's `fs`.
 */
import fs from 'node:fs';
import { relative } from 'node:path';
import { getEnvironmentData } from 'node:worker_threads';

import type { Change, Recording } from './power-loss.ts';

const { root, journal, position } = getEnvironmentData('recording') as unknown as Recording;
const original = { ...fs };
const output = original.openSync(journal, 'w');
const counter = new Int32Array(position);
const names = new Map<number, string>();

function note(change: Change, data?: Uint8Array): void {
  const { path } = change;
  if (path.startsWith('..')) return;
  const head = Buffer.from(JSON.stringify({ ...change, length: data?.length ?? 0 }));
  const size = Buffer.alloc(4);
  size.writeUInt32BE(head.length);
  original.writeSync(output, Buffer.concat([size, head, data ?? Buffer.alloc(0)]));
  Atomics.add(counter, 0, 1);
}

const inside = (path: fs.PathLike): string => relative(root, String(path));

const recorded: Partial<typeof fs> = {
  openSync(path, flags, mode) {
    const created = !original.existsSync(path);
    const descriptor = original.openSync(path, flags, mode);
    const name = inside(path);
    names.set(descriptor, name);
    if (created) note({ kind: 'create', path: name });
    else if (typeof flags === 'number' && (flags & fs.constants.O_TRUNC) !== 0)
      note({ kind: 'truncate', path: name, at: 0 });
    return descriptor;
  },
  fdatasyncSync(descriptor) {
    original.fdatasyncSync(descriptor);
    note({ kind: 'sync', path: names.get(descriptor) ?? '..' });
  },
  ftruncateSync(descriptor, length) {
    original.ftruncateSync(descriptor, length);
    note({ kind: 'truncate', path: names.get(descriptor) ?? '..', at: length ?? 0 });
  },
  truncateSync(path, length) {
    original.truncateSync(path, length);
    note({ kind: 'truncate', path: inside(path), at: length ?? 0 });
  },
  renameSync(from, to) {
    original.renameSync(from, to);
    note({ kind: 'rename', path: inside(from), to: inside(to) });
    for (const [descriptor, name] of names) if (name === inside(from)) names.set(descriptor, inside(to));
  },
  unlinkSync(path) {
    original.unlinkSync(path);
    note({ kind: 'unlink', path: inside(path) });
  },
  rmdirSync(path) {
    original.rmdirSync(path);
    note({ kind: 'unlink', path: inside(path) });
  },
};

// Overloaded signatures, of which NODEFS uses one each.
const writing = {
  writeSync(descriptor: number, buffer: Uint8Array, offset: number, length: number, at: number): number {
    const written = original.writeSync(descriptor, buffer, offset, length, at);
    const data = Buffer.from(buffer.subarray(offset, offset + written));
    note({ kind: 'write', path: names.get(descriptor) ?? '..', at }, data);
    return written;
  },
  mkdirSync(path: string, mode: number): void {
    original.mkdirSync(path, mode);
    note({ kind: 'mkdir', path: inside(path) });
  },
  writeFileSync(path: string, data: string, options: fs.WriteFileOptions): void {
    original.writeFileSync(path, data, options);
    note({ kind: 'create', path: inside(path) });
  },
};

Object.assign(fs, recorded, writing);
await import('../embedded/worker.ts');
