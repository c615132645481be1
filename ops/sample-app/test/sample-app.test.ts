import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodePem, type Claims } from '@licet/format';
import { TrustAnchors } from '@licet/verify';
import { days, makeEnterprise, makeOrganization, makeRoot, makeSite, NOW, SITE_CLAIMS } from '@licet/verify/testing';
import { createSampleApp, PRODUCT } from '../app.ts';
import { LicenseWatch } from '../licensed.ts';

const root = makeRoot();
const SOLD: Claims = { ...SITE_CLAIMS, modes: ['production', 'development'], features: ['demo', 'demo/export'] };
const organization = makeOrganization(root, { claims: SOLD });
const enterprise = makeEnterprise(organization, { claims: SOLD });

function licenseWith(change: Partial<Claims>): string {
  const site = makeSite(enterprise, { claims: { ...SOLD, modes: ['production'], sequence: 5, ...change } });
  return [site, enterprise, organization].map(({ certificate }) => encodePem('CERTIFICATE', certificate)).join('');
}

describe('The sample application', () => {
  let now: Date;
  let server: Server;

  async function start(license: string): Promise<string> {
    now = NOW;
    const anchors = TrustAnchors.fromPem(encodePem('CERTIFICATE', root.certificate));
    const watch = new LicenseWatch({ license, anchors, product: PRODUCT }, () => now);
    server = createSampleApp(watch).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  it('offers what is licensed', async () => {
    const url = await start(licenseWith({}));
    const page = await (await fetch(url)).text();
    assert.match(page, /href="\/export"/);
    assert.doesNotMatch(page, /role="status"|DEVELOPMENT/);
    assert.equal((await fetch(`${url}/export`)).status, 200);
  });

  it('refuses a feature that is not, with a code', async () => {
    const url = await start(licenseWith({ features: ['demo'] }));
    const response = await fetch(`${url}/export`);
    assert.equal(response.status, 403);
    assert.equal(((await response.json()) as { code: string }).code, 'FEATURE_MISSING');
    assert.match(await (await fetch(url)).text(), /not part of your license/);
  });

  it('carries a watermark in development', async () => {
    const url = await start(licenseWith({ modes: ['development'] }));
    assert.match(await (await fetch(url)).text(), /class="watermark"/);
  });

  it('shows a banner in grace and goes on, then begins nothing new and lets what runs run', async () => {
    const url = await start(licenseWith({}));
    const begin = async () => (await fetch(`${url}/jobs`, { method: 'POST' })).status;
    assert.equal(await begin(), 202);
    now = days(22);
    assert.match(await (await fetch(url)).text(), /expired; everything works until/);
    assert.equal(await begin(), 202);
    now = days(60);
    assert.match(await (await fetch(url)).text(), /nothing new can be begun/);
    assert.equal(await begin(), 403);
    assert.equal((await fetch(`${url}/jobs`)).status, 200);
  });

  it('offers what is licensed as soon as a clock that was ahead is right again', async () => {
    const url = await start(licenseWith({}));
    now = days(400);
    assert.equal((await fetch(`${url}/export`)).status, 403);
    now = NOW;
    assert.equal((await fetch(`${url}/export`)).status, 200);
  });

  it('goes on with what it has found while no license is to be had, for as long as that is good', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'licet-sample-'));
    const file = join(folder, 'site.lic');
    writeFileSync(file, licenseWith({}));
    const url = await start(file);
    const exported = async () => (await fetch(`${url}/export`)).status;
    assert.equal(await exported(), 200);
    // As when the agent is away.
    rmSync(folder, { recursive: true });
    now = days(1);
    assert.equal(await exported(), 200);
    assert.doesNotMatch(await (await fetch(url)).text(), /role="status"/);
    now = days(22);
    assert.equal(await exported(), 200);
    assert.match(await (await fetch(url)).text(), /expired; everything works until/);
    now = days(60);
    assert.equal(await exported(), 403);
  });
});
