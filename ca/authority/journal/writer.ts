import { closeSync, fdatasync, fdatasyncSync, fsyncSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { AuthorityError } from '../errors.ts';
import type { JournalRecord } from '../ports/signer.ts';
import { encodeFrames, type Head } from './frame.ts';
import { SEGMENT_HEADER, segmentHeader, segmentPath, type Segment } from './segment.ts';

/** The system calls that can fail; a test hands in ones that do. */
export type Disk = {
  write(file: number, bytes: Uint8Array, position: number): number;
  truncate(file: number, size: number): void;
  sync(file: number): Promise<void>;
};

export const realDisk: Disk = {
  write: (file, bytes, position) => writeSync(file, bytes, 0, bytes.length, position),
  truncate: ftruncateSync,
  sync: promisify(fdatasync),
};

export type Tail = { readonly segment: Segment; readonly size: number; readonly head: Head };

/**
 * The end of the journal: where the next line goes and how far the disk has confirmed. Writes go straight to the
 * operating system, in order, so a process that dies leaves a prefix of what it wrote; only syncing is waited for.
 *
 * When a write or a sync fails, the file is cut back to what was durable. A failed fsync may have dropped dirty pages
 * and the next one would still report success, so nothing after the last good sync is trusted again.
 */
export class JournalWriter {
  readonly #disk: Disk;
  readonly #folder: string;
  #file: number;
  #written: Tail;
  #durable: Tail;
  #damaged = false;

  constructor(folder: string, tail: Tail, disk: Disk) {
    this.#folder = folder;
    this.#disk = disk;
    this.#file = openSync(tail.segment.path, 'r+');
    this.#written = tail;
    this.#durable = tail;
  }

  get durable(): Tail {
    return this.#durable;
  }

  get head(): Head {
    return this.#written.head;
  }

  get size(): number {
    return this.#written.size;
  }

  get dirty(): boolean {
    return this.#written.size !== this.#durable.size;
  }

  /** Throws JOURNAL_FULL or SIGNER_UNAVAILABLE; then the file is as it was before this write. */
  write(at: Date, records: readonly JournalRecord[]): void {
    if (this.#damaged) this.#rollback();
    const { bytes, head } = encodeFrames(this.#written.head, at, records);
    const { segment, size } = this.#written;
    try {
      let done = 0;
      while (done < bytes.length) done += this.#disk.write(this.#file, bytes.subarray(done), size + done);
    } catch (cause) {
      this.#cutBack(size, cause);
      throw unwritable(cause);
    }
    this.#written = { segment, size: size + bytes.length, head };
  }

  /** Confirms what was written before the call. Throws after having cut back to the last good sync. */
  async sync(): Promise<void> {
    const target = this.#written;
    try {
      await this.#disk.sync(this.#file);
    } catch (cause) {
      this.#damaged = true;
      throw unwritable(cause);
    }
    this.#durable = target;
  }

  /** Forgets what the disk has not confirmed. Throws while even that is impossible. */
  #rollback(): void {
    try {
      this.#disk.truncate(this.#file, this.#durable.size);
      fdatasyncSync(this.#file);
    } catch (cause) {
      throw unwritable(cause);
    }
    this.#written = this.#durable;
    this.#damaged = false;
  }

  /** Starts the next segment. Only when nothing is dirty. */
  rotate(): void {
    const { head } = this.#durable;
    let segment: Segment;
    try {
      segment = createSegment(this.#folder, head);
      closeSync(this.#file);
      this.#file = openSync(segment.path, 'r+');
    } catch (cause) {
      throw unwritable(cause);
    }
    this.#durable = this.#written = { segment, size: SEGMENT_HEADER, head };
  }

  close(): void {
    closeSync(this.#file);
  }

  #cutBack(size: number, cause: unknown): void {
    try {
      this.#disk.truncate(this.#file, size);
    } catch {
      this.#damaged = true;
      throw unwritable(cause);
    }
  }
}

/** The new file and its name are both durable when this returns: a segment never comes into being half. */
export function createSegment(folder: string, head: Head): Segment {
  const first = head.sequence + 1n;
  const path = segmentPath(folder, first);
  try {
    writeHeader(path, head);
    syncFolder(dirname(path));
  } catch (error) {
    // Notes go on into the segment before as long as that has room, and the next one is then named by a later line.
    rmSync(path, { force: true });
    throw error;
  }
  return { path, first };
}

function writeHeader(path: string, head: Head): void {
  const file = openSync(path, 'w', 0o600);
  try {
    writeSync(file, segmentHeader(head));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

export function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function unwritable(cause: unknown): AuthorityError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new AuthorityError('JOURNAL_FULL', 'The journal has no room left, so nothing was signed; free some space.', {
      cause,
    });
  }
  return new AuthorityError(
    'SIGNER_UNAVAILABLE',
    `The journal cannot be written (${code}), so nothing was signed; look after its disk.`,
    { cause },
  );
}
