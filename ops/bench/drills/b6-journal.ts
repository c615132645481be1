import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AuthorityError, openJournal, verifyJournal } from '@licet/authority';
import type { Row } from '../row.ts';

const EDITS = 10_000;
const LINES = 64;
const SEED = 0x2026_1121;

type Edit = { readonly bytes: Buffer; readonly firstBad: number };

/**
 * B6 for the signer's journal: bits, bytes, cuts, lines dropped, doubled, exchanged or forged, one edit at a time, each
 * of which must be found and the first bad line named. Where the lines lie is taken from writing them one by one, not
 * from the reader that is on trial.
 */
export async function run(): Promise<Row> {
  const folder = mkdtempSync(join(tmpdir(), 'licet-b6-'));
  try {
    const { path, bytes, ends, anchor } = await write(folder);
    const random = generator(SEED);
    let right = 0;
    for (let i = 0; i < EDITS; i += 1) {
      const edit = change(bytes, ends, random);
      writeFileSync(path, edit.bytes);
      if (firstBadLine(folder, anchor) === edit.firstBad) right += 1;
    }
    return {
      id: 'B6',
      what: 'edits of the journal found, the first bad line named',
      bar: `${EDITS} of ${EDITS}`,
      figure: `${right} of ${EDITS}`,
      pass: right === EDITS,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function write(folder: string) {
  const at = new Date('2027-01-01T00:00:00Z');
  const journal = openJournal({ folder, clock: { now: () => at } });
  const path = join(folder, `journal-${'1'.padStart(20, '0')}.lj`);
  const ends = [readFileSync(path).length];
  for (let i = 0; i < LINES; i += 1) {
    const signed = Buffer.alloc(40 + i, i);
    await journal.append([{ type: 'signature', key: `key ${i % 3}`, kind: 'certificate', digest: signed, signed }]);
    ends.push(readFileSync(path).length);
  }
  const anchor = journal.head();
  await journal.close();
  return { path, bytes: readFileSync(path), ends, anchor };
}

function change(bytes: Buffer, ends: readonly number[], random: (below: number) => number): Edit {
  const line = random(LINES - 1);
  const part = (i: number) => bytes.subarray(ends[i], ends[i + 1]);
  const head = bytes.subarray(0, ends[line]);
  const tail = bytes.subarray(ends[line + 1]);
  switch (random(6)) {
    case 0: {
      const at = ends[0]! + random(bytes.length - ends[0]!);
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1 << random(8);
      return { bytes: changed, firstBad: ends.filter((end) => end <= at).length };
    }
    case 1:
      return { bytes: Buffer.concat([head, tail]), firstBad: line + 1 };
    case 2:
      return { bytes: Buffer.concat([head, part(line), part(line), tail]), firstBad: line + 2 };
    case 3: {
      const rest = bytes.subarray(ends[line + 2]);
      return { bytes: Buffer.concat([head, part(line + 1), part(line), rest]), firstBad: line + 1 };
    }
    case 4: {
      const size = ends[0]! + random(bytes.length - ends[0]!);
      return { bytes: Buffer.from(bytes.subarray(0, size)), firstBad: ends.filter((end) => end <= size).length };
    }
    default: {
      const forged = Buffer.from(part(line));
      for (let i = 0; i < forged.length; i += 1) forged[i] = random(256);
      return { bytes: Buffer.concat([head, forged, tail]), firstBad: line + 1 };
    }
  }
}

function firstBadLine(folder: string, anchor: { readonly sequence: bigint; readonly hash: Uint8Array }): number {
  try {
    verifyJournal(folder, anchor);
    return 0;
  } catch (error) {
    if (error instanceof AuthorityError && error.code === 'JOURNAL_CORRUPT') return Number(error.details[0]);
    throw error;
  }
}

/** xorshift32: the same edits in every run, so that a failure can be looked at. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
