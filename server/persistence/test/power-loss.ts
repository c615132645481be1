import fs from 'node:fs';
import { dirname, join } from 'node:path';

/** Handed to the recording worker. */
export type Recording = { root: string; journal: string; position: SharedArrayBuffer };

/** One change to the files below a folder, in the order in which they were made. */
export type Change =
  | { kind: 'create' | 'mkdir' | 'unlink' | 'sync'; path: string }
  | { kind: 'write' | 'truncate'; path: string; at: number }
  | { kind: 'rename'; path: string; to: string };

type File = { durable: Buffer; waiting: ((file: Buffer) => Buffer)[] };
type Folder = { durable: Map<string, Entry>; now: Map<string, Entry> };
type Entry = File | Folder;

const isFolder = (entry: Entry): entry is Folder => entry.durable instanceof Map;

/**
 * A disk that forgets. Data of a file survive once the file is synced, and what a folder lists (new files, renames,
 * removals) once the folder is synced: what POSIX promises, which is less than ext4 keeps.
 */
export class ForgetfulDisk {
  readonly #root: Folder;
  readonly #changes: readonly { change: Change; data: Buffer }[];
  #position = 0;

  /** `base` is taken as durable; the journal says what happened after. */
  constructor(base: string, journal: string) {
    this.#root = load(base);
    this.#changes = readJournal(journal);
  }

  get length(): number {
    return this.#changes.length;
  }

  /** Lets time pass until so many changes have been made. */
  advance(to: number): void {
    for (; this.#position < to; this.#position += 1) {
      const { change, data } = this.#changes[this.#position]!;
      this.#apply(change, data);
    }
  }

  /**
   * The power goes; writes what is left into a folder. `keep` decides of each unsynced write whether it happened to
   * reach the disk, as some do in any order.
   */
  fail(image: string, keep: () => boolean): void {
    write(this.#root, image, keep);
  }

  #apply(change: Change, data: Buffer): void {
    const folder = this.#folder(dirname(change.path));
    const name = change.path.slice(change.path.lastIndexOf('/') + 1);
    const entry = change.path === '' ? this.#root : folder.now.get(name);
    switch (change.kind) {
      case 'create':
        folder.now.set(name, { durable: Buffer.alloc(0), waiting: [] });
        break;
      case 'mkdir':
        folder.now.set(name, { durable: new Map(), now: new Map() });
        break;
      case 'unlink':
        folder.now.delete(name);
        break;
      case 'rename':
        folder.now.delete(name);
        this.#folder(dirname(change.to)).now.set(change.to.slice(change.to.lastIndexOf('/') + 1), entry!);
        break;
      case 'write':
        edit(entry, (file) => overwrite(file, data, change.at));
        break;
      case 'truncate':
        edit(entry, (file) =>
          Buffer.concat([file.subarray(0, change.at), Buffer.alloc(Math.max(0, change.at - file.length))]),
        );
        break;
      case 'sync':
        sync(entry);
        break;
    }
  }

  #folder(path: string): Folder {
    let folder = this.#root;
    for (const name of path === '.' ? [] : path.split('/')) folder = folder.now.get(name) as Folder;
    return folder;
  }
}

function edit(entry: Entry | undefined, change: (file: Buffer) => Buffer): void {
  // A file that was unlinked while open can still be written to; nothing of that can survive.
  if (entry === undefined || isFolder(entry)) return;
  entry.waiting.push(change);
}

function overwrite(file: Buffer, data: Buffer, at: number): Buffer {
  const target =
    at + data.length <= file.length ? file : Buffer.concat([file, Buffer.alloc(at + data.length - file.length)]);
  data.copy(target, at);
  return target;
}

function sync(entry: Entry | undefined): void {
  if (entry === undefined) return;
  if (isFolder(entry)) {
    entry.durable = new Map(entry.now);
    return;
  }
  entry.durable = entry.waiting.reduce((file, change) => change(file), entry.durable);
  entry.waiting = [];
}

function load(path: string): Folder {
  const entries = new Map<string, Entry>();
  for (const entry of fs.readdirSync(path, { withFileTypes: true })) {
    const child = join(path, entry.name);
    if (entry.isDirectory()) entries.set(entry.name, load(child));
    else entries.set(entry.name, { durable: fs.readFileSync(child), waiting: [] });
  }
  return { durable: entries, now: new Map(entries) };
}

function write(folder: Folder, path: string, keep: () => boolean): void {
  fs.mkdirSync(path, { mode: 0o700 });
  for (const [name, entry] of folder.durable) {
    if (isFolder(entry)) {
      write(entry, join(path, name), keep);
      continue;
    }
    const survived = entry.waiting.filter(keep);
    const content = survived.reduce(
      (file, change) => change(file),
      survived.length > 0 ? Buffer.from(entry.durable) : entry.durable,
    );
    fs.writeFileSync(join(path, name), content, { mode: 0o600 });
  }
}

function readJournal(path: string): { change: Change; data: Buffer }[] {
  const bytes = fs.readFileSync(path);
  const changes = [];
  for (let at = 0; at < bytes.length;) {
    const size = bytes.readUInt32BE(at);
    const { length, ...change } = JSON.parse(bytes.toString('utf8', at + 4, at + 4 + size)) as Change & {
      length: number;
    };
    const start = at + 4 + size;
    changes.push({ change, data: bytes.subarray(start, start + length) });
    at = start + length;
  }
  return changes;
}
