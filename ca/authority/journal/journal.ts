import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Journal } from '../ports/journal.ts';
import type { JournalEntry, JournalRecord } from '../ports/signer.ts';
import { AuthorityError } from '../errors.ts';
import type { Head } from './frame.ts';
import { lockFolder } from './lock.ts';
import { JournalReader } from './reader.ts';
import { recoverTail } from './recover.ts';
import { listSegments } from './segment.ts';
import { JournalWriter, realDisk, type Disk } from './writer.ts';

export type JournalOptions = {
  readonly folder: string;
  readonly clock: { now(): Date };
  /** One that is not there was lost: refuses with JOURNAL_LOST instead of beginning another. */
  readonly mustExist?: boolean;
  /** Bytes after which the next segment starts. */
  readonly segmentSize?: number;
  /** Records waiting for the disk, above which a caller is told to come back. */
  readonly queueLimit?: number;
  readonly disk?: Disk;
};

/** Small enough to check at every start in a tenth of a second, large enough that a year is some hundred files. */
const SEGMENT_SIZE = 1 << 24;
const QUEUE_LIMIT = 8192;
/** How long a note may stay in the hands of the operating system alone. */
const NOTE_DELAY_MS = 20;

type Waiting = {
  readonly records: readonly JournalRecord[];
  readonly resolve: (first: bigint) => void;
  readonly reject: (error: unknown) => void;
};

/**
 * Opens the journal for writing. Checks the last segment line by line and the headers of the others, so that a start
 * takes no longer after years; `verifyJournal` checks everything.
 */
export function openJournal(options: JournalOptions): Journal {
  if (options.mustExist === true && !isBegun(options.folder)) throw lost(options.folder);
  mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  chmodSync(options.folder, 0o700);
  const lock = lockFolder(options.folder);
  try {
    const tail = recoverTail(options.folder);
    const writer = new JournalWriter(options.folder, tail, options.disk ?? realDisk);
    return new GroupCommit(writer, new JournalReader(options.folder), lock, options);
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** An empty journal in place of one that is lost for good. Changes nothing where there is one. */
export async function beginJournal(folder: string, clock: JournalOptions['clock']): Promise<void> {
  if (!isBegun(folder)) await openJournal({ folder, clock }).close();
}

const isBegun = (folder: string): boolean => existsSync(folder) && listSegments(folder).length > 0;

const lost = (folder: string): AuthorityError =>
  new AuthorityError(
    'JOURNAL_LOST',
    `The journal of these keys is gone from ${folder}: put its newest copy back, or, if it is lost for good, run "licet keys begin-journal --folder ${dirname(folder)}".`,
  );

/** Group commit: whoever comes while the disk is busy shares the next write and its one fsync. */
class GroupCommit implements Journal {
  readonly #writer: JournalWriter;
  readonly #reader: JournalReader;
  readonly #lock: { release(): void };
  readonly #options: JournalOptions;
  #queue: Waiting[] = [];
  #queued = 0;
  #notes: JournalRecord[] = [];
  /** Written, not yet confirmed: to be written again should the sync fail. */
  #unconfirmed: JournalRecord[] = [];
  #working: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(writer: JournalWriter, reader: JournalReader, lock: { release(): void }, options: JournalOptions) {
    this.#writer = writer;
    this.#reader = reader;
    this.#lock = lock;
    this.#options = options;
  }

  async append(records: readonly JournalRecord[]): Promise<bigint> {
    if (this.#closed) throw new AuthorityError('SIGNER_UNAVAILABLE', 'The journal is closed; start the signer again.');
    if (this.#queued + records.length > (this.#options.queueLimit ?? QUEUE_LIMIT)) {
      throw new AuthorityError('SIGNER_UNAVAILABLE', 'Too much waits for the disk of the journal; ask again later.');
    }
    this.#queued += records.length;
    return new Promise<bigint>((resolve, reject) => {
      this.#queue.push({ records, resolve, reject });
      this.#work();
    });
  }

  note(records: readonly JournalRecord[]): void {
    if (this.#notes.length === 0) queueMicrotask(() => this.#tryNotes());
    this.#notes.push(...records);
    this.#timer ??= setTimeout(() => this.#work(), NOTE_DELAY_MS);
  }

  head(): Head {
    return this.#writer.durable.head;
  }

  after(sequence: bigint, limit: number): readonly JournalEntry[] {
    return this.#reader.after(sequence, limit, this.#writer.durable);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#work();
    while (this.#working !== undefined) await this.#working;
    clearTimeout(this.#timer);
    this.#writer.close();
    this.#lock.release();
  }

  #work(): void {
    // One turn of the loop later, so that all requests that one read brought share the write.
    this.#working ??= new Promise((resolve) => setImmediate(resolve)).then(() => this.#commitAll());
  }

  async #commitAll(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    do await this.#commit(this.#takeQueue());
    while (this.#queue.length > 0);
    // In the same step as the look at the queue: whoever comes next starts the next round.
    this.#working = undefined;
  }

  #takeQueue(): Waiting[] {
    const batch = this.#queue;
    this.#queue = [];
    this.#queued = 0;
    return batch;
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    const firsts: bigint[] = [];
    try {
      this.#writeNotes();
      await this.#rotateIfFull();
      let next = this.#writer.head.sequence + 1n;
      for (const { records } of batch) {
        firsts.push(next);
        next += BigInt(records.length);
      }
      if (batch.length > 0)
        this.#writer.write(
          this.#options.clock.now(),
          batch.flatMap(({ records }) => records),
        );
      await this.#sync();
    } catch (error) {
      for (const { reject } of batch) reject(error);
      return;
    }
    batch.forEach(({ resolve }, i) => resolve(firsts[i] as bigint));
  }

  async #rotateIfFull(): Promise<void> {
    while (this.#writer.size >= (this.#options.segmentSize ?? SEGMENT_SIZE)) {
      // Notes may come in while the sync runs, hence the loop.
      if (this.#writer.dirty) await this.#sync();
      else this.#writer.rotate();
    }
  }

  async #sync(): Promise<void> {
    if (!this.#writer.dirty) return;
    const covered = this.#unconfirmed.length;
    try {
      await this.#writer.sync();
    } catch (error) {
      // The writer cuts back to the last good sync: what had been noted since is owed again.
      this.#notes.unshift(...this.#unconfirmed.splice(0));
      throw error;
    }
    this.#unconfirmed.splice(0, covered);
  }

  /** Notes that cannot be written stay owed and go first in the next write; what they tell of is durable already. */
  #writeNotes(): void {
    if (this.#notes.length === 0) return;
    this.#writer.write(this.#options.clock.now(), this.#notes);
    this.#unconfirmed.push(...this.#notes.splice(0));
  }

  #tryNotes(): void {
    try {
      this.#writeNotes();
    } catch {
      // Not lost: the next commit writes them, and tells its callers when it cannot.
      this.#timer ??= setTimeout(() => this.#work(), NOTE_DELAY_MS);
    }
  }
}
