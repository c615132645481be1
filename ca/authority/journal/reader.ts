import type { JournalEntry } from '../ports/signer.ts';
import { EMPTY_HEAD, type Head } from './frame.ts';
import { corrupt, listSegments, readSegmentHeader, scanSegment, type Place, type Segment } from './segment.ts';
import type { Tail } from './writer.ts';

/** Lines between two remembered places: what a page of `after` reads in vain at the most. */
const MARK_EVERY = 1024n;

/** Reads durable lines while the writer goes on. Remembers places on the way, so that paging is not quadratic. */
export class JournalReader {
  readonly #folder: string;
  readonly #marks = new Map<bigint, Place[]>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  after(sequence: bigint, limit: number, durable: Tail): JournalEntry[] {
    const entries: JournalEntry[] = [];
    const segments = listSegments(this.#folder).filter((segment) => segment.first <= durable.segment.first);
    const start = segments.findLastIndex((segment) => segment.first <= sequence + 1n);
    for (const segment of segments.slice(Math.max(start, 0))) {
      if (entries.length >= limit) break;
      this.#read(segment, sequence, durable, (entry) => entries.push(entry) < limit);
    }
    return entries;
  }

  #read(segment: Segment, after: bigint, durable: Tail, take: (entry: JournalEntry) => boolean): void {
    const marks = this.#marks.get(segment.first) ?? [];
    this.#marks.set(segment.first, marks);
    const from = marks.findLast((place) => place.sequence <= after + 1n);
    const isLast = segment.first === durable.segment.first;
    const visit = (entry: JournalEntry, offset: number): boolean => {
      const newest = marks.at(-1)?.sequence ?? segment.first;
      if (entry.sequence >= newest + MARK_EVERY) marks.push({ sequence: entry.sequence, offset });
      return entry.sequence <= after || take(entry);
    };
    const scan = scanSegment(segment, visit, { ...(from && { from }), ...(isLast && { size: durable.size }) });
    if (scan.stopped === 'torn') throw corrupt(segment, scan.head.sequence + 1n, 'the file ends inside it');
  }
}

/**
 * Checks the whole journal, line by line, without opening it for writing. Throws JOURNAL_CORRUPT naming the first bad
 * line. Lines that were cut off at the very end leave no trace in a chain: `anchor`, a head that was noted elsewhere
 * (the server keeps one in its database), shows that too.
 */
export function verifyJournal(
  folder: string,
  anchor: Head = EMPTY_HEAD,
): { readonly head: Head; readonly torn: boolean } {
  let head = EMPTY_HEAD;
  let torn: { readonly segment: Segment; readonly sequence: bigint } | undefined;
  const segments = listSegments(folder);
  for (const segment of segments) {
    const missing = head.sequence + 1n;
    if (torn !== undefined) throw corrupt(torn.segment, torn.sequence, 'the file ends inside it');
    if (segment.first !== missing) throw corrupt(segment, missing, 'no file holds it');
    const before = readSegmentHeader(segment);
    if (before !== undefined && !equal(before.hash, head.hash)) {
      throw corrupt(segment, missing, 'the file does not follow the one before');
    }
    torn = { segment, sequence: missing };
    if (before === undefined) continue;
    const scan = scanSegment(segment, (entry) => {
      if (entry.sequence === anchor.sequence && !equal(entry.hash, anchor.hash)) {
        throw corrupt(segment, entry.sequence, 'its hash is not the one that was noted elsewhere');
      }
      return true;
    });
    head = scan.head;
    torn = scan.stopped === 'torn' ? { segment, sequence: head.sequence + 1n } : undefined;
  }
  const last = segments.at(-1);
  if (head.sequence < anchor.sequence) {
    throw corrupt(last ?? { path: folder, first: 1n }, head.sequence + 1n, 'it is gone, and was noted elsewhere');
  }
  return { head, torn: torn !== undefined };
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
