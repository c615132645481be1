import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireThat } from '@licet/checks';
import { openSigner } from '../../signer/open.ts';
import { hasCode } from '../../signer/test/errors.ts';
import { clock, createHierarchy, FAST, licenseTbs, passphrase, withFolder } from '../../signer/test/hierarchy.ts';
import { openJournal } from '../journal.ts';
import { verifyJournal } from '../reader.ts';

/** A real disk of one megabyte; only root may have one. */
function mount(path: string): boolean {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=700', 'tmpfs', path]).status === 0;
}

describe('A signer whose journal disk is full', function () {
  this.timeout(20_000);
  const folder = withFolder();

  it('signs nothing, and goes on by itself when there is room again', async function () {
    const path = join(folder(), 'journal');
    mkdirSync(path);
    requireThat(this, mount(path) ? [] : ['the right to mount a small disk (root)']);
    try {
      const signer = await openSigner({ ...FAST, folder: folder(), clock, keys: passphrase() });
      const { enterprise } = await createHierarchy(signer);
      const ballast = join(path, 'ballast');
      writeFileSync(ballast, Buffer.alloc(512 * 1024));
      const request = { key: enterprise.id, kind: 'certificate', bytes: licenseTbs() } as const;
      let signed = 0;
      const fill = async (): Promise<void> => {
        for (;;) signed += (await signer.sign(Array.from({ length: 20 }, () => request))).length;
      };
      await assert.rejects(fill(), hasCode('JOURNAL_FULL'));
      const { sequence } = await signer.journalHead();
      for (let i = 0; i < 5; i += 1)
        await assert.rejects(signer.sign(Array.from({ length: 20 }, () => request)), hasCode('JOURNAL_FULL'));
      assert.ok(signed > 100, `${signed}`);
      rmSync(ballast);
      assert.equal((await signer.sign([request])).length, 1);
      assert.ok((await signer.journalHead()).sequence > sequence);
      await signer.close();
      let orders = 0;
      let outcomes = 0;
      const again = await openSigner({ ...FAST, folder: folder(), clock, keys: passphrase() });
      for (let after = 0n; ;) {
        const page = await again.journalAfter(after, 1000);
        if (page.length === 0) break;
        after = page.at(-1)!.sequence;
        orders += page.filter(({ record }) => record.type === 'signature').length;
        outcomes += page.filter(({ record }) => record.type === 'signed').length;
      }
      await again.close();
      // Four certificates of the hierarchy, what was signed before, and the one after.
      assert.equal(outcomes, signed + 5);
      assert.equal(orders, outcomes, 'no order was recorded for a signature that was refused');
      verifyJournal(path);
    } finally {
      spawnSync('umount', [path]);
    }
  });

  it('leaves no segment behind that it could not begin', async function () {
    const path = join(folder(), 'journal');
    mkdirSync(path);
    requireThat(this, mount(path) ? [] : ['the right to mount a small disk (root)']);
    try {
      const segmentSize = 1000;
      const open = () => openJournal({ folder: path, clock, segmentSize });
      const counted = { type: 'statements', kind: 'ocsp', key: 'k'.repeat(segmentSize), count: 1 } as const;
      const journal = open();
      await journal.append([counted]);
      const ballast = join(path, 'ballast');
      assert.throws(() => writeFileSync(ballast, Buffer.alloc(2 ** 21)), { code: 'ENOSPC' });
      await assert.rejects(journal.append([counted]), hasCode('JOURNAL_FULL'));
      // The page that the first segment ends in has room for it.
      journal.note([{ ...counted, key: 'k' }]);
      await assert.rejects(journal.append([counted]), hasCode('JOURNAL_FULL'));
      rmSync(ballast);
      assert.equal(await journal.append([counted]), 3n);
      await journal.close();
      assert.deepEqual(verifyJournal(path).head.sequence, 3n);
      await open().close();
    } finally {
      spawnSync('umount', [path]);
    }
  });
});
