import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { decodeCertificate, encodeCertsOnly, extension, toBase64 } from '@licet/format';
import {
  anchors,
  bundle,
  days,
  enterprise,
  makeCrl,
  makeEnterprise,
  makeSite,
  NOW,
  organization,
  root,
  siteExtensions,
} from '@licet/verify/testing';
import { verifyLicense } from '@licet/verify';
import { Agent } from '../agent.ts';
import { withEvidence } from '../bundle.ts';
import { fetchEvidence } from '../evidence.ts';
import { AWAY, issued, LICENSE, licensed, siteFolders, worldOf } from './living-site.ts';

const ALONE = { servers: [] };

describe('The evidence of a site', function () {
  this.timeout(20_000);
  const newFolder = siteFolders();

  it('is that of its present license: each one before may have been of another list', async () => {
    const front = createServer((_request, response) => void response.end(makeCrl(enterprise))).listen(0, '127.0.0.1');
    await once(front, 'listening');
    const url = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
    const site = await licensed(newFolder(), ALONE);
    for (let shard = 0; shard < 40; shard += 1) {
      const point = extension.crlDistributionPoints([`${url}/${shard}.crl`]);
      const renewed = makeSite(enterprise, { extensions: [...siteExtensions(), point] });
      await site.store.install({ ...LICENSE, license: bundle(renewed, enterprise, organization) });
      const fetched = await fetchEvidence(site, NOW, ALONE);
      assert.deepEqual(fetched, [{ url: `${url}/${shard}.crl`, result: 'kept' }]);
    }
    front.close();
    const current = await site.store.current();
    const told = withEvidence(current!.license, await site.folder.evidence());
    const { state, evidence } = await verifyLicense(told, { anchors, at: NOW });
    assert.deepEqual([state, evidence.kind], ['valid', 'issue']);
    assert.equal((await site.folder.evidence()).crls.length, 1);
  });

  it('stays where a person has brought it', async () => {
    const site = await licensed(newFolder(), ALONE);
    writeFileSync(join(site.folder.path, 'evidence', 'brought-in-june.crl'), makeCrl(enterprise));
    await fetchEvidence(site, NOW, ALONE);
    assert.equal((await site.folder.evidence()).crls.length, 1);
  });

  it('stays where nothing newer is to be had', async () => {
    const front = createServer((_request, response) => void response.end(makeCrl(enterprise))).listen(0, '127.0.0.1');
    await once(front, 'listening');
    const url = `http://127.0.0.1:${(front.address() as AddressInfo).port}/0.crl`;
    const site = await licensed(newFolder(), AWAY);
    const point = extension.crlDistributionPoints([url]);
    const renewed = makeSite(enterprise, { extensions: [...siteExtensions(), point] });
    await site.store.install({ ...LICENSE, license: bundle(renewed, enterprise, organization) });
    assert.deepEqual(await fetchEvidence(site, NOW, ALONE), [{ url, result: 'kept' }]);
    front.close();
    assert.match(JSON.stringify(await fetchEvidence(site, NOW, AWAY)), /problem/);
    assert.equal((await site.folder.evidence()).crls.length, 1);
  });

  for (const [what, reason, asked] of [
    ['soon, while the license is suspended', 'certificateHold', 2],
    ['rarely, where nothing can change it any more', 'keyCompromise', 1],
  ] as const) {
    it(`is asked for ${what}`, async () => {
      let times = 0;
      const suggestedWindow = { start: days(20), end: days(21) };
      const front = createServer((_request, response) => {
        times += 1;
        response.end(JSON.stringify({ suggestedWindow }));
      }).listen(0, '127.0.0.1');
      await once(front, 'listening');
      const settings = { servers: [`http://127.0.0.1:${(front.address() as AddressInfo).port}`] };
      const site = await licensed(newFolder(), settings);
      const { serial } = decodeCertificate(issued.certificate);
      const entry = { serial, revokedAt: days(-2), reason };
      writeFileSync(join(site.folder.path, 'evidence', 'brought.crl'), makeCrl(enterprise, { entries: [entry] }));
      const time = { now: NOW };
      const agent = new Agent(site, settings, worldOf(time, []));
      await agent.tick();
      time.now = new Date(NOW.getTime() + 1_200_000);
      await agent.tick();
      front.close();
      assert.equal(times, asked);
    });
  }

  it('is asked for soon, while a CA above is revoked in the chain that came, too', async () => {
    let times = 0;
    const again = makeEnterprise(organization, { keys: { key: enterprise.key, publicKey: enterprise.publicKey } });
    const above = encodeCertsOnly([again, organization, root].map(({ certificate }) => certificate));
    const advice = JSON.stringify({ suggestedWindow: { start: days(20), end: days(21) } });
    const front = createServer((request, response) => {
      const isAdvice = request.url?.includes('renewal-info') === true;
      times += isAdvice ? 1 : 0;
      response.end(isAdvice ? advice : toBase64(above));
    }).listen(0, '127.0.0.1');
    await once(front, 'listening');
    const settings = { servers: [`http://127.0.0.1:${(front.address() as AddressInfo).port}`] };
    const site = await licensed(newFolder(), settings);
    const { serial } = decodeCertificate(organization.certificate);
    const entry = { serial, revokedAt: days(-2), reason: 'superseded' } as const;
    writeFileSync(join(site.folder.path, 'evidence', 'brought.crl'), makeCrl(root, { entries: [entry] }));
    const time = { now: NOW };
    const agent = new Agent(site, settings, worldOf(time, []));
    await agent.tick();
    assert.equal((await site.store.current())!.license, bundle(issued, again, organization));
    time.now = new Date(NOW.getTime() + 1_200_000);
    await agent.tick();
    front.close();
    assert.equal(times, 2);
  });
});
