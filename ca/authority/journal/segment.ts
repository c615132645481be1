import { hash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { AuthorityError } from '../errors.ts';
import type { JournalEntry } from '../ports/signer.ts';
import { ByteWriter } from './binary.ts';
import { HASH_LENGTH, readFrame, type Head } from './frame.ts';

/**
 * A journal is a folder of segments, each named by the first line it may hold. A segment starts with: magic (8) · first
 * sequence (8) · hash of all the header's other bytes (32) · hash of the last line of the segment before (32). That
 * last field stands right in front of the first line, where the line's own hash wants it.
 */
const MAGIC = Buffer.from('LICETJ01', 'latin1');
export const SEGMENT_HEADER = MAGIC.length + 8 + 2 * HASH_LENGTH;
const NAME = /^journal-(\d{20})\.lj$/;
const READ_SIZE = 1 << 21;

export type Segment = { readonly path: string; readonly first: bigint };

export function segmentPath(folder: string, first: bigint): string {
  return join(folder, `journal-${String(first).padStart(20, '0')}.lj`);
}

export function listSegments(folder: string): Segment[] {
  return readdirSync(folder)
    .toSorted()
    .flatMap((name) => {
      const digits = NAME.exec(name)?.[1];
      return digits === undefined ? [] : [{ path: join(folder, name), first: BigInt(digits) }];
    });
}

/** `head` is the end of the segment before. */
export function segmentHeader(head: Head): Buffer {
  const out = new ByteWriter(SEGMENT_HEADER).raw(MAGIC).u64(head.sequence + 1n);
  const check = hash('sha256', Buffer.concat([out.view(), head.hash]), 'buffer');
  return out.raw(check).raw(head.hash).view();
}

/** Where reading may start: the line `sequence` lies at `offset`, behind a line with `previous` as hash. */
export type Place = { readonly sequence: bigint; readonly offset: number };

export type Scan = {
  readonly head: Head;
  readonly offset: number;
  /** What stopped it: the end of what there is, the caller, or a line that is cut off. */
  readonly stopped: 'end' | 'caller' | 'torn';
};

/**
 * Walks the lines of a segment, checks each, and stops when `visit` says false. Throws JOURNAL_CORRUPT naming the first
 * line that is not what was written. `size` limits it to what is known to be durable.
 */
export function scanSegment(
  segment: Segment,
  visit: (entry: JournalEntry, offset: number) => boolean,
  options: { readonly from?: Place; readonly size?: number } = {},
): Scan {
  const file = openSync(segment.path, 'r');
  try {
    const size = options.size ?? fstatSync(file).size;
    let { sequence, offset } = options.from ?? { sequence: segment.first, offset: SEGMENT_HEADER };
    let head: Head = { sequence: sequence - 1n, hash: read(file, offset - HASH_LENGTH, HASH_LENGTH) };
    for (;;) {
      const bytes = read(file, offset - HASH_LENGTH, Math.min(READ_SIZE, size - offset + HASH_LENGTH));
      let at = HASH_LENGTH;
      for (;;) {
        const frame = readFrame(bytes, at, sequence);
        if (frame.state === 'corrupt') throw corrupt(segment, sequence, frame.reason);
        if (frame.state !== 'line') break;
        if (!visit(frame.entry, offset - HASH_LENGTH + at)) return done('caller');
        head = { sequence, hash: Uint8Array.from(frame.entry.hash) };
        sequence += 1n;
        at = frame.next;
      }
      offset += at - HASH_LENGTH;
      if (offset === size) return done('end');
      if (at === HASH_LENGTH) return done('torn');
    }
    function done(stopped: Scan['stopped']): Scan {
      return { head, offset, stopped };
    }
  } finally {
    closeSync(file);
  }
}

/** The end of the segment before, as this segment's header states it; undefined when the header was cut off. */
export function readSegmentHeader(segment: Segment): Head | undefined {
  const file = openSync(segment.path, 'r');
  try {
    const header = read(file, 0, SEGMENT_HEADER);
    if (header.length < SEGMENT_HEADER) return undefined;
    const head = { sequence: segment.first - 1n, hash: Uint8Array.from(header.subarray(-HASH_LENGTH)) };
    if (!header.equals(segmentHeader(head)))
      throw corrupt(segment, segment.first, 'the header of its file was changed');
    return head;
  } finally {
    closeSync(file);
  }
}

export function corrupt(segment: Segment, sequence: bigint, reason: string): AuthorityError {
  return new AuthorityError(
    'JOURNAL_CORRUPT',
    `Line ${sequence} of the journal (${segment.path}) was changed or lost: ${reason}; restore the journal folder from its copy.`,
    { details: [String(sequence)] },
  );
}

function read(file: number, position: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    const got = readSync(file, bytes, done, length - done, position + done);
    if (got === 0) break;
    done += got;
  }
  return bytes.subarray(0, done);
}
