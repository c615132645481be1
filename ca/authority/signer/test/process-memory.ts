import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

/** How many of these stand in what a process has written to, each counted once for every part of its memory. */
export function countInMemory(pid: string, wanted: readonly Buffer[]): number {
  let found = 0;
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  for (const line of readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n')) {
    const [, from, to, rights = ''] = /^([0-9a-f]+)-([0-9a-f]+) (\S{4})/.exec(line) ?? [];
    if (from === undefined || to === undefined || !rights.startsWith('rw')) continue;
    found += countIn(memory, Number.parseInt(from, 16), Number.parseInt(to, 16), wanted);
  }
  closeSync(memory);
  return found;
}

function countIn(memory: number, from: number, to: number, wanted: readonly Buffer[]): number {
  const size = 1 << 22;
  const overlap = 128;
  let found = 0;
  for (let at = from; at < to; at += size) {
    const bytes = readAt(memory, at, Math.min(size + overlap, to - at));
    for (const needle of wanted) if (bytes.includes(needle)) found += 1;
  }
  return found;
}

/** Pages that are not there cannot be read, and hold nothing. */
function readAt(memory: number, at: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  try {
    return bytes.subarray(0, readSync(memory, bytes, 0, length, at));
  } catch {
    return Buffer.alloc(0);
  }
}
