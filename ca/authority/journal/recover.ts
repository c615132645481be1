import { closeSync, fsyncSync, ftruncateSync, openSync, rmSync } from 'node:fs';
import { EMPTY_HEAD } from './frame.ts';
import { corrupt, listSegments, readSegmentHeader, scanSegment, type Segment } from './segment.ts';
import { createSegment, syncFolder, type Tail } from './writer.ts';
import { SEGMENT_HEADER } from './segment.ts';

/**
 * Finds the end of the journal after whatever happened. Only a line that the file ends inside of is dropped: its write
 * was cut off before the fsync, so no caller was answered and no key was used. Anything else that is not as it was
 * written may have been acknowledged, and is an error for a person to look at.
 */
export function recoverTail(folder: string): Tail {
  const segments = listSegments(folder);
  for (const segment of segments.slice(0, -1)) requireHeader(segment);
  const first = segments[0];
  if (first !== undefined && first.first !== 1n) throw corrupt(first, 1n, 'no file holds it');
  const last = segments.at(-1);
  if (last === undefined) {
    return { segment: createSegment(folder, EMPTY_HEAD), size: SEGMENT_HEADER, head: EMPTY_HEAD };
  }
  if (readSegmentHeader(last) === undefined) {
    // Cut off while it was being created: it never held a line.
    rmSync(last.path);
    syncFolder(folder);
    return recoverTail(folder);
  }
  const scan = scanSegment(last, () => true);
  if (scan.stopped === 'torn') cut(last, scan.offset);
  return { segment: last, size: scan.offset, head: scan.head };
}

function requireHeader(segment: Segment): void {
  if (readSegmentHeader(segment) === undefined)
    throw corrupt(segment, segment.first, 'the header of its file is cut off');
}

function cut(segment: Segment, size: number): void {
  const file = openSync(segment.path, 'r+');
  try {
    ftruncateSync(file, size);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
