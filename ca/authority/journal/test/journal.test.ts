import assert from 'node:assert/strict';
import { fdatasync, ftruncateSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import * as fc from 'fast-check';
import { AuthorityError, type AuthorityCode } from '../../errors.ts';
import type { JournalRecord } from '../../ports/signer.ts';
import { withFolder } from '../../signer/test/hierarchy.ts';
import { ByteReader, ByteWriter } from '../binary.ts';
import { verifyJournal } from '../reader.ts';
import { readRecord, writeRecord } from '../record.ts';
import { listSegments, scanSegment } from '../segment.ts';
import type { Disk } from '../writer.ts';
import { contents, EVERY_KIND, lastSegment, NOW, open, order } from './lines.ts';

function hasCode(code: AuthorityCode, detail?: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof AuthorityError, String(error));
    assert.equal(error.code, code, error.message);
    if (detail !== undefined) assert.deepEqual(error.details, [detail]);
    return true;
  };
}

function diskError(code: string): Error {
  return Object.assign(new Error(`${code}: simulated`), { code });
}

describe('The journal', () => {
  const folder = withFolder();

  it('gives back what was appended, in order, each line chained to the one before', async () => {
    const journal = open(folder());
    assert.equal(await journal.append(EVERY_KIND), 1n);
    const entries = journal.after(0n, 100);
    assert.deepEqual(
      entries.map(({ record }) => record),
      EVERY_KIND.map((record) =>
        Object.fromEntries(
          Object.entries(record).map(([name, value]) => [
            name,
            value instanceof Uint8Array ? Buffer.from(value) : value,
          ]),
        ),
      ),
    );
    entries.forEach((entry, i) => {
      assert.equal(entry.sequence, BigInt(i + 1));
      assert.deepEqual(entry.at, NOW);
      if (i > 0) assert.deepEqual(entry.previous, entries[i - 1]!.hash);
    });
    assert.deepEqual(Buffer.from(journal.head().hash), entries.at(-1)!.hash);
    await journal.close();
  });

  it('is there again after a restart, and goes on with the next number', async () => {
    const first = open(folder());
    await first.append([order('a'), order('b')]);
    await first.close();
    const second = open(folder());
    assert.equal(await second.append([order('c')]), 3n);
    assert.deepEqual(contents(second), ['a', 'b', 'c']);
    await second.close();
  });

  it('lets callers that come while the disk is busy share one fsync', async () => {
    let syncs = 0;
    const sync = promisify(fdatasync);
    const journal = open(folder(), { disk: { ...realDisk, sync: async (file) => ((syncs += 1), sync(file)) } });
    await Promise.all(Array.from({ length: 500 }, async (_, i) => journal.append([order(`${i}`)])));
    assert.equal(journal.head().sequence, 500n);
    assert.ok(syncs <= 3, `${syncs} syncs for 500 callers`);
    await journal.close();
  });

  it('answers only after the disk has confirmed', async () => {
    const waiting: (() => void)[] = [];
    const journal = open(folder(), {
      disk: { ...realDisk, sync: async () => new Promise<void>((resolve) => waiting.push(resolve)) },
    });
    let answered = false;
    const done = journal.append([order('a')]).then(() => (answered = true));
    while (waiting.length === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(answered, false);
    assert.equal(journal.head().sequence, 0n, 'what is not durable does not count');
    assert.deepEqual(contents(journal), []);
    waiting.pop()!();
    await done;
    assert.equal(journal.head().sequence, 1n);
    await journal.close();
  });

  it('has one writer', async () => {
    const journal = open(folder());
    assert.throws(() => open(folder()), hasCode('SIGNER_UNAVAILABLE'));
    await journal.close();
    await open(folder()).close();
  });

  it('goes on in a new file when one is full, and reads across them', async () => {
    const journal = open(folder(), { segmentSize: 2048 });
    for (let i = 0; i < 100; i += 1) await journal.append([order(`${i}`)]);
    assert.ok(listSegments(folder()).length > 3);
    assert.deepEqual(
      contents(journal),
      Array.from({ length: 100 }, (_, i) => `${i}`),
    );
    assert.deepEqual(
      journal.after(40n, 5).map(({ sequence }) => sequence),
      [41n, 42n, 43n, 44n, 45n],
    );
    await journal.close();
    assert.equal(verifyJournal(folder()).head.sequence, 100n);
    const again = open(folder(), { segmentSize: 2048 });
    assert.equal(await again.append([order('next')]), 101n);
    await again.close();
  });

  it('makes notes durable a moment later, without anybody waiting', async () => {
    const journal = open(folder());
    await journal.append([order('a')]);
    journal.note([{ type: 'signed', of: 1n, signature: Buffer.of(1) }]);
    while (journal.head().sequence < 2n) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.deepEqual(contents(journal), ['a', 'signed']);
    await journal.close();
  });

  it('refuses more than it can hold instead of growing', async () => {
    const journal = open(folder(), { queueLimit: 2 });
    const accepted = [journal.append([order('a')]), journal.append([order('b')])];
    await assert.rejects(journal.append([order('c')]), hasCode('SIGNER_UNAVAILABLE'));
    await Promise.all(accepted);
    await journal.close();
    await assert.rejects(journal.append([order('d')]), hasCode('SIGNER_UNAVAILABLE'));
  });

  it('reads back any record as it was written', () => {
    const bytes = fc.uint8Array({ maxLength: 300 });
    const record: fc.Arbitrary<JournalRecord> = fc.oneof(
      fc.record({
        type: fc.constant('signature' as const),
        key: fc.string(),
        kind: fc.constantFrom('certificate', 'request', 'crl', 'ocsp', 'manifest', 'token'),
        digest: bytes,
        signed: fc.option(bytes, { nil: undefined }),
      }),
      fc.record({ type: fc.constant('signed' as const), of: fc.bigInt(0n, 2n ** 64n - 1n), signature: bytes }),
      fc.record({
        type: fc.constant('revocation' as const),
        key: fc.string(),
        serial: bytes,
        event: fc.constantFrom('revoked', 'held', 'reinstated'),
        reason: fc.nat(10),
        at: fc.date({ noInvalidDate: true }),
      }),
    );
    fc.assert(
      fc.property(record, (value) => {
        const writer = new ByteWriter(1);
        writeRecord(writer, value);
        const reader = new ByteReader(writer.view());
        const again = new ByteWriter();
        writeRecord(again, readRecord(reader));
        assert.ok(reader.done);
        assert.deepEqual(again.view(), writer.view());
      }),
    );
  });
});

const realDisk: Disk = {
  write: (file, bytes, position) => writeSync(file, bytes, 0, bytes.length, position),
  truncate: ftruncateSync,
  sync: promisify(fdatasync),
};

describe('A journal whose disk fails', () => {
  const folder = withFolder();

  it('says JOURNAL_FULL, leaves nothing half, and goes on when there is room', async () => {
    let room = Infinity;
    const disk: Disk = {
      ...realDisk,
      write: (file, bytes, position) => {
        if (room === 0) throw diskError('ENOSPC');
        const written = realDisk.write(file, bytes.subarray(0, Math.min(room, bytes.length)), position);
        room -= written;
        return written;
      },
    };
    const journal = open(folder(), { disk });
    await journal.append([order('a')]);
    for (const left of [0, 1, 7, 8, 50, 100]) {
      room = left;
      await assert.rejects(journal.append([order('b'), order('c')]), hasCode('JOURNAL_FULL'));
      assert.equal(verifyJournal(folder()).head.sequence, 1n);
      assert.equal(verifyJournal(folder()).torn, false);
    }
    room = Infinity;
    assert.equal(await journal.append([order('d')]), 2n);
    assert.deepEqual(contents(journal), ['a', 'd']);
    await journal.close();
  });

  it('trusts nothing after a sync that failed, and owes the notes', async () => {
    let broken = false;
    const disk: Disk = {
      ...realDisk,
      sync: async (file) => {
        if (broken) throw diskError('EIO');
        await realDisk.sync(file);
      },
    };
    const journal = open(folder(), { disk });
    await journal.append([order('a')]);
    broken = true;
    journal.note([{ type: 'signed', of: 1n, signature: Buffer.of(1) }]);
    await assert.rejects(journal.append([order('b')]), hasCode('SIGNER_UNAVAILABLE'));
    await assert.rejects(journal.append([order('c')]), hasCode('SIGNER_UNAVAILABLE'));
    assert.equal(journal.head().sequence, 1n);
    broken = false;
    await journal.append([order('d')]);
    assert.deepEqual(contents(journal), ['a', 'signed', 'd']);
    await journal.close();
    assert.equal(verifyJournal(folder()).head.sequence, 3n);
  });

  it('refuses until it could cut the file back', async () => {
    let broken = false;
    const disk: Disk = {
      ...realDisk,
      write: (file, bytes, position) => {
        if (!broken) return realDisk.write(file, bytes, position);
        if (position > lastSegment(folder()).bytes.length) throw diskError('EIO');
        realDisk.write(file, bytes.subarray(0, 10), position);
        throw diskError('EIO');
      },
      truncate: (file, size) => {
        if (broken) throw diskError('EIO');
        realDisk.truncate(file, size);
      },
    };
    const journal = open(folder(), { disk });
    await journal.append([order('a')]);
    broken = true;
    await assert.rejects(journal.append([order('b')]), hasCode('SIGNER_UNAVAILABLE'));
    await assert.rejects(journal.append([order('b')]), hasCode('SIGNER_UNAVAILABLE'));
    broken = false;
    await journal.append([order('c')]);
    assert.deepEqual(contents(journal), ['a', 'c']);
    await journal.close();
  });
});

describe('A damaged journal', () => {
  const folder = withFolder();
  const corrupt = (sequence: bigint) => hasCode('JOURNAL_CORRUPT', String(sequence));

  async function fill(): Promise<void> {
    const journal = open(folder());
    await journal.append(EVERY_KIND);
    await journal.close();
  }

  /** Where each line starts, and the end. */
  function offsets(): number[] {
    const starts: number[] = [];
    const end = scanSegment(listSegments(folder())[0]!, (_, offset) => starts.push(offset) > 0).offset;
    return [...starts, end];
  }

  it('drops a last line that is cut off at any byte, and keeps all before', async () => {
    await fill();
    const { path, bytes } = lastSegment(folder());
    const starts = offsets();
    for (let size = starts[3]!; size < bytes.length; size += 1) {
      writeFileSync(path, bytes.subarray(0, size));
      const whole = starts.filter((offset, i) => i > 0 && offset <= size).length;
      const journal = open(folder());
      assert.equal(journal.head().sequence, BigInt(whole), `cut at ${size}`);
      await journal.close();
      assert.equal(readFileSync(path).length, starts[whole], `cut at ${size}`);
    }
  });

  it('names the first line that was changed, whichever bit it is', async () => {
    await fill();
    const { path, bytes } = lastSegment(folder());
    const starts = offsets();
    for (let at = starts[0]!; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1 << (at % 8);
      writeFileSync(path, changed);
      const line = starts.filter((offset) => offset <= at).length;
      assert.throws(() => verifyJournal(folder()), corrupt(BigInt(line)), `byte ${at}`);
      assert.throws(() => open(folder()), corrupt(BigInt(line)), `byte ${at}`);
    }
  });

  it('names the line at which one was dropped, doubled or moved', async () => {
    await fill();
    const { path, bytes } = lastSegment(folder());
    const starts = offsets();
    const line = (i: number) => bytes.subarray(starts[i], starts[i + 1]);
    const head = bytes.subarray(0, starts[0]);
    for (let i = 0; i < EVERY_KIND.length - 1; i += 1) {
      const lines = EVERY_KIND.map((_, n) => line(n));
      const without = lines.toSpliced(i, 1);
      const doubled = lines.toSpliced(i, 0, line(i));
      const moved = lines.toSpliced(i, 2, line(i + 1), line(i));
      for (const [edit, first] of [
        [without, i + 1],
        [doubled, i + 2],
        [moved, i + 1],
      ] as const) {
        writeFileSync(path, Buffer.concat([head, ...edit]));
        assert.throws(() => open(folder()), corrupt(BigInt(first)));
      }
    }
  });

  it('shows lines that are gone from the end to whoever noted the head elsewhere', async () => {
    await fill();
    const anchor = verifyJournal(folder()).head;
    const { path, bytes } = lastSegment(folder());
    writeFileSync(path, bytes.subarray(0, offsets()[4]));
    assert.equal(verifyJournal(folder()).head.sequence, 4n);
    assert.throws(() => verifyJournal(folder(), anchor), corrupt(5n));
    rmSync(path);
    const journal = open(folder());
    await journal.append(EVERY_KIND.map(() => order('forged')));
    await journal.close();
    assert.throws(() => verifyJournal(folder(), anchor), corrupt(6n));
  });

  it('names the first line of a file that is gone, and a changed file header', async () => {
    const journal = open(folder(), { segmentSize: 600 });
    for (let i = 0; i < 20; i += 1) await journal.append([order(`${i}`)]);
    await journal.close();
    const segments = listSegments(folder());
    const [first, second] = segments;
    const bytes = readFileSync(second!.path);
    const header = Buffer.from(bytes);
    header[60]! ^= 1;
    writeFileSync(second!.path, header);
    assert.throws(() => verifyJournal(folder()), corrupt(second!.first));
    assert.throws(() => open(folder()), corrupt(second!.first));
    rmSync(second!.path);
    assert.throws(() => verifyJournal(folder()), corrupt(second!.first));
    writeFileSync(second!.path, bytes.subarray(0, -1));
    assert.throws(() => verifyJournal(folder()), corrupt(segments[2]!.first - 1n));
    rmSync(first!.path);
    assert.throws(() => open(folder()), corrupt(1n));
  });

  it('takes a file whose creation was cut off for one that was never there', async () => {
    await fill();
    writeFileSync(`${folder()}/journal-${String(EVERY_KIND.length + 1).padStart(20, '0')}.lj`, 'LICET');
    const journal = open(folder());
    assert.equal(await journal.append([order('next')]), BigInt(EVERY_KIND.length + 1));
    await journal.close();
  });
});
