import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { JournalEntry, JournalRecord } from '../ports/signer.ts';
import { ByteReader, ByteWriter } from './binary.ts';
import { readRecord, writeRecord } from './record.ts';

/**
 * A line in the file: length (4) · CRC-32 of the length and the sequence (4) · sequence (8) · time (8) · record ·
 * hash (32). The hash covers the 32 bytes in front of the line, which are the hash of the line before, and the line: so
 * the chain can be checked over the file as it lies there, without copying.
 *
 * The CRC makes a cut-off line tell itself from a changed length: only the first may be dropped at start.
 */
export const HASH_LENGTH = 32;
const HEADER_LENGTH = 8;
const FIXED_LENGTH = 16;
/** Above any TBSCertificate we sign (64 KiB), far below what would make one line fill a segment. */
export const MAX_PAYLOAD = 1 << 20;

export type Head = { readonly sequence: bigint; readonly hash: Uint8Array };
export const EMPTY_HEAD: Head = { sequence: 0n, hash: new Uint8Array(HASH_LENGTH) };

/** What a batch of records looks like in the file behind `head`, and the head after it. */
export function encodeFrames(
  head: Head,
  at: Date,
  records: readonly JournalRecord[],
): { readonly bytes: Buffer; readonly head: Head } {
  const out = new ByteWriter(records.length * 512 + HASH_LENGTH).raw(head.hash);
  let sequence = head.sequence;
  for (const record of records) {
    sequence += 1n;
    const start = out.length;
    out.u32(0).u32(0).u64(sequence).date(at);
    writeRecord(out, record);
    const length = out.length - start - HEADER_LENGTH;
    if (length > MAX_PAYLOAD) throw new RangeError(`A journal line of ${length} bytes is above the limit.`);
    out.patchU32(start, length);
    out.patchU32(start + 4, headerCheck(length, sequence));
    out.raw(hash('sha256', out.view(start - HASH_LENGTH), 'buffer'));
  }
  const end = out.length - HASH_LENGTH;
  return { bytes: out.view(HASH_LENGTH), head: { sequence, hash: Uint8Array.from(out.view(end)) } };
}

export type Frame =
  | { readonly state: 'line'; readonly entry: JournalEntry; readonly next: number }
  /** The file ends inside this line: the write was cut off, so nobody was told that it exists. */
  | { readonly state: 'torn' }
  | { readonly state: 'corrupt'; readonly reason: string }
  | { readonly state: 'end' };

/** Reads the line at `offset`; `bytes` holds the 32 bytes in front of it too. `sequence` is the one it must have. */
export function readFrame(bytes: Buffer, offset: number, sequence: bigint): Frame {
  const left = bytes.length - offset;
  if (left === 0) return { state: 'end' };
  if (left < HEADER_LENGTH) return { state: 'torn' };
  const length = bytes.readUInt32BE(offset);
  if (bytes.readUInt32BE(offset + 4) !== headerCheck(length, sequence)) {
    return { state: 'corrupt', reason: 'its header does not fit its place' };
  }
  if (length < FIXED_LENGTH || length > MAX_PAYLOAD) return { state: 'corrupt', reason: 'its length is impossible' };
  const end = offset + HEADER_LENGTH + length;
  if (bytes.length < end + HASH_LENGTH) return { state: 'torn' };
  const previous = bytes.subarray(offset - HASH_LENGTH, offset);
  const stored = bytes.subarray(end, end + HASH_LENGTH);
  if (!hash('sha256', bytes.subarray(offset - HASH_LENGTH, end), 'buffer').equals(stored)) {
    return { state: 'corrupt', reason: 'its hash does not fit its content' };
  }
  return decode(bytes.subarray(offset + HEADER_LENGTH, end), previous, stored, sequence, end + HASH_LENGTH);
}

function decode(payload: Buffer, previous: Buffer, hash: Buffer, sequence: bigint, next: number): Frame {
  const reader = new ByteReader(payload);
  if (reader.u64() !== sequence) return { state: 'corrupt', reason: 'it has the number of another line' };
  try {
    const entry = { sequence, previous, hash, at: reader.date(), record: readRecord(reader) };
    if (!reader.done) return { state: 'corrupt', reason: 'it has bytes behind its end' };
    return { state: 'line', entry, next };
  } catch (error) {
    if (error instanceof RangeError) return { state: 'corrupt', reason: error.message };
    throw error;
  }
}

function headerCheck(length: number, sequence: bigint): number {
  const bytes = Buffer.allocUnsafe(12);
  bytes.writeUInt32BE(length, 0);
  bytes.writeBigUInt64BE(sequence, 4);
  return crc32(bytes);
}
