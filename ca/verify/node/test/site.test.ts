import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { decodeCertificate } from '@licet/format';
import { fingerprintDigest } from '../../binding.ts';
import {
  anchors,
  bundle,
  days,
  enterprise,
  makeCrl,
  makeSite,
  NOW,
  organization,
  site,
  SITE_CLAIMS,
} from '../../test/license-kit.ts';
import { verifyLicense } from '../../license.ts';
import { machineFingerprints } from '../machine.ts';
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

  const revoked = makeCrl(enterprise, {
    entries: [{ serial: decodeCertificate(site.certificate).serial, revokedAt: days(-1) }],
  });

  it('knows what the agent keeps beside the license, wherever the file was named', async () => {
    await mkdir(join(folder, 'evidence'));
    await writeFile(join(folder, 'site.lic'), LICENSE);
    await writeFile(join(folder, 'evidence', 'license.crl'), revoked);
    await writeFile(join(folder, 'evidence', 'half-written.crl'), revoked.subarray(0, 40));
    for (const license of [undefined, join(folder, 'site.lic')]) {
      const options = { anchors, at: NOW, surroundings: surroundings(), ...(license !== undefined && { license }) };
      const { verdict } = await verifySite(options);
      assert.equal(verdict?.codes[0]?.code, 'REVOKED');
    }
    const { verdict } = await verifySite({ anchors, at: NOW, license: LICENSE, surroundings: surroundings() });
    assert.equal(verdict?.usable, true, 'a license that is handed in as text has nothing beside it');
  });

  it('is not given where an option is none', async () => {
    await writeFile(join(folder, 'site.lic'), LICENSE);
    const misspelt = { anchors, at: NOW, requires: { mode: 'development' }, surroundings: surroundings() };
    await assert.rejects(verifySite(misspelt), { name: 'TypeError', message: /^requires: there is no such option/ });
  });

  it('counts evidence that is handed in beside that', async () => {
    await writeFile(join(folder, 'site.lic'), LICENSE);
    const evidence = { crls: [revoked] };
    const { verdict } = await verifySite({ anchors, at: NOW, evidence, surroundings: surroundings() });
    assert.equal(verdict?.codes[0]?.code, 'REVOKED');
  });

  it('looks at the machine that a license is bound to', async function () {
    const [here, ...others] = await machineFingerprints();
    if (here === undefined) this.skip();
    const binding = (fingerprint: string) => ({
      need: 1,
      digests: [fingerprintDigest(SITE_CLAIMS.id, fingerprint)],
    });
    const verdictOn = async (fingerprint: string) => {
      const bound = makeSite(enterprise, { claims: { ...SITE_CLAIMS, binding: binding(fingerprint) } });
      const license = bundle(bound, enterprise, organization);
      return (await verifySite({ anchors, at: NOW, license, surroundings: surroundings() })).verdict;
    };
    assert.equal((await verdictOn(here))?.usable, true, [here, ...others].join());
    assert.equal((await verdictOn('machine:another'))?.codes[0]?.code, 'BINDING_MISMATCH');
  });
});
