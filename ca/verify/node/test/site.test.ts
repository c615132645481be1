import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { anchors, bundle, days, enterprise, NOW, organization, site } from '../../test/license-kit.ts';
import { verifyLicense } from '../../license.ts';
import { provePossession } from '../prove-possession.ts';
import { verifySite } from '../site.ts';

describe('the verdict at a site', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'licet-site-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const surroundings = () => ({
    env: { LICET_AGENT_SOCKET: join(folder, 'none.sock') },
    platform: 'linux' as const,
    home: folder,
    resolve: (...parts: string[]) => resolve(folder, ...parts),
  });
  const LICENSE = bundle(site, enterprise, organization);

  it('needs no more than a file and the anchors', async () => {
    await writeFile(join(folder, 'site.lic'), LICENSE);
    const { verdict } = await verifySite({ anchors, at: NOW, surroundings: surroundings() });
    assert.equal(verdict?.state, 'valid');
  });

  it('is none without a license, and says where was looked', async () => {
    const { verdict, attempts } = await verifySite({ anchors, at: NOW, surroundings: surroundings() });
    assert.equal(verdict, undefined);
    assert.ok(attempts.length >= 5);
  });

  it('remembers what was seen', async () => {
    const highWaterFile = join(folder, 'mark.json');
    const options = { anchors, license: LICENSE, surroundings: surroundings(), highWaterFile };
    assert.equal((await verifySite({ ...options, at: NOW })).mark, 'new');
    const { verdict, mark } = await verifySite({ ...options, at: days(-100) });
    assert.equal(mark, 'kept');
    assert.ok(verdict?.codes.some(({ code }) => code === 'CLOCK_ROLLBACK'));
  });

  it('stands although it cannot be remembered', async () => {
    const highWaterFile = join(folder, 'missing', 'mark.json');
    const options = { anchors, license: LICENSE, surroundings: surroundings(), highWaterFile };
    const { verdict, notRemembered } = await verifySite({ ...options, at: NOW });
    assert.equal(verdict?.usable, true);
    assert.match(notRemembered ?? '', /ENOENT/);
  });

  it('counts a proof of possession that was made here', async () => {
    const challenge = new Uint8Array(32).fill(7);
    for (const key of [site.key, site.key.export({ type: 'pkcs8', format: 'pem' }) as string]) {
      const possession = provePossession(key, challenge);
      assert.equal((await verifyLicense(LICENSE, { anchors, at: NOW, possession })).usable, true);
    }
  });
});
