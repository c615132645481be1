import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readCrlFolder } from '../crl-folder.ts';

describe('The folder of the lists that a ceremony made ready', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'licet-crls-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is refused where it is not there, or holds no list: a timer would succeed each day and publish nothing', async () => {
    writeFileSync(join(folder, 'crl-20260101T000000Z.crl'), 'a list in DER');
    for (const [where, why] of [
      [folder, /holds no list; give the folder with the files crl-….pem/],
      [join(folder, 'nowhere'), /cannot be read: ENOENT/],
      [join(folder, 'crl-20260101T000000Z.crl'), /cannot be read: ENOTDIR/],
    ] as const) {
      await assert.rejects(readCrlFolder(where), { code: 'CRL_REFUSED', message: why });
    }
  });
});
