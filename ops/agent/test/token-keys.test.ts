import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireThat } from '@licet/checks';
import { createSoftToken, PIN, pkcs11Module, softHsmLibrary, TOKEN } from '@licet/keystores/testing';
import { NOW } from '@licet/verify/testing';
import { renew } from '../enrol.ts';
import type { Settings } from '../settings.ts';
import { openTokenKeys } from '../token-keys.ts';
import { AWAY, hasCode, licensed } from './living-site.ts';

describe('Keys in a PKCS#11 token', function () {
  this.timeout(60_000);
  let base: string;
  let pkcs11: NonNullable<Settings['pkcs11']>;
  const pinFile = () => join(base, 'pin');
  before(function () {
    const [library, module] = [softHsmLibrary(), pkcs11Module()];
    if (library === undefined || module === undefined) return requireThat(this, ['SoftHSM 2 and pkcs11js']);
    base = mkdtempSync(join(tmpdir(), 'licet-token-'));
    createSoftToken(base);
    pkcs11 = { library, module, token: TOKEN, pinFile: pinFile() };
  });
  beforeEach(() => writeFileSync(pinFile(), PIN));
  after(() => {
    if (base !== undefined) rmSync(base, { recursive: true, force: true });
  });

  it('that nobody can ask with, because the disk is full, do not fill it up', async function () {
    const disk = join(base, 'disk');
    mkdirSync(disk);
    const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k,mode=700', 'tmpfs', disk]).status === 0;
    requireThat(this, isMounted ? [] : ['the right to mount a small disk (root)']);
    const site = await licensed(disk, { ...AWAY, pkcs11 });
    try {
      try {
        writeFileSync(join(disk, 'ballast'), Buffer.alloc(300_000));
      } catch {
        // As much as there was room for.
      }
      const objects = () => readdirSync(join(base, 'tokens'), { recursive: true }).length;
      const before = objects();
      for (const _ of [1, 2, 3])
        await assert.rejects(
          renew(site, AWAY, () => NOW),
          hasCode('DISK_FULL', /no room/),
        );
      assert.equal(objects(), before);
    } finally {
      await site.close();
      spawnSync('umount', [disk]);
    }
  });

  it('say what cannot be started, where the library does not begin: nothing is left to install', async () => {
    const [there, gone] = [join(base, 'tokens'), join(base, 'gone')];
    renameSync(there, gone);
    const keys = openTokenKeys(pkcs11);
    try {
      await assert.rejects(keys.make(), hasCode('KEY_UNAVAILABLE', /libsofthsm2.* does not begin \(CKR_.*may read/));
    } finally {
      renameSync(gone, there);
    }
    assert.match((await keys.make()).text, /^pkcs11:/);
    await keys.close();
  });

  it('are not asked for with a wrong PIN again and again, which would lock it', async () => {
    writeFileSync(pinFile(), '9999');
    const keys = openTokenKeys(pkcs11);
    await assert.rejects(keys.make(), hasCode('KEY_UNAVAILABLE', /does not take the PIN/));
    // Now it would take that.
    rmSync(join(base, 'tokens'), { recursive: true });
    createSoftToken(base, '9999');
    await assert.rejects(
      keys.make(),
      hasCode('KEY_UNAVAILABLE', /does not take the PIN.*pin is written anew, or the agent started/),
    );
    utimesSync(pinFile(), NOW, NOW);
    assert.match((await keys.make()).text, /^pkcs11:/);
    await keys.close();
  });
});
