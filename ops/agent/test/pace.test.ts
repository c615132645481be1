import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeCertificate, toHex } from '@licet/format';
import { ACCESS_KEY, SECRET_KEY, startSecretsEndpoint } from '@licet/keystores/testing';
import { bundle, DAY, days, enterprise, makeSite, NOW, organization, root } from '@licet/verify/testing';
import { Agent } from '../agent.ts';
import { openSite } from '../site.ts';
import { AWAY, issued, licensed, siteFolders, worldOf } from './living-site.ts';
import { openSmallAuthority } from './small-authority.ts';

const HOUR = 3_600_000;
/** As the authority dates them. */
const BACKDATED_MS = 300_000;

describe('A site that renews', function () {
  this.timeout(20_000);
  let folder: string;
  const newFolder = siteFolders();
  beforeEach(() => void (folder = newFolder()));

  /** Lives for so many milliseconds of its own clock. The authority has a clock of its own. */
  async function live(begin: Date, forMs: number, licensed: Date, lifeAt: (at: Date) => { notAfter: Date }) {
    const time = { now: begin };
    const ahead = begin.getTime() - licensed.getTime();
    const authority = await openSmallAuthority(() => {
      const at = new Date(time.now.getTime() - ahead);
      return { notBefore: new Date(at.getTime() - BACKDATED_MS), ...lifeAt(at) };
    });
    const settings = { servers: [authority.address] };
    const site = await openSite(folder, settings);
    writeFileSync(join(folder, 'root.pem'), bundle(root));
    const first = makeSite(enterprise, { notBefore: new Date(licensed.getTime() - BACKDATED_MS), ...lifeAt(licensed) });
    const key = first.key.export({ type: 'pkcs8', format: 'pem' }).toString();
    await site.store.install({ key, license: bundle(first, enterprise, organization) });
    const log: string[] = [];
    const agent = new Agent(site, settings, worldOf(time, log));
    // Looking once a minute would be the same, and take long.
    const end = begin.getTime() + forMs;
    try {
      for (let ticks = 0; time.now.getTime() < end && ticks < 100; ticks++) {
        const sleep = await agent.tick();
        time.now = new Date(time.now.getTime() + (sleep < 60_000 ? sleep : HOUR / 2));
      }
    } finally {
      authority.close();
    }
    return { renewals: authority.state.renewals, log: log.join('\n') };
  }

  it('does so a few times before its contract ends, not without end, and says what ends', async () => {
    const end = new Date(NOW.getTime() + 6 * HOUR);
    const { renewals, log } = await live(NOW, 6 * HOUR + 1, NOW, () => ({ notAfter: end }));
    assert.ok(renewals >= 2 && renewals <= 6, `${renewals} renewals`);
    assert.doesNotMatch(log, /is ahead/);
    assert.match(log, /the license cannot last longer .* 2026-06-15T18:00:00/);
  });

  it('does so now and then where its clock is ahead, and says that', async () => {
    const lifeAt = (at: Date) => ({ notAfter: new Date(at.getTime() + 30 * DAY) });
    const { renewals, log } = await live(days(21), 12 * HOUR, NOW, lifeAt);
    assert.ok(renewals >= 2 && renewals <= 4, `${renewals} renewals`);
    assert.match(log, /the clock of this machine is ahead/);
    assert.doesNotMatch(log, /cannot last longer/);
  });

  it('does so no sooner for being started anew', async () => {
    const site = await licensed(folder);
    const log: string[] = [];
    const isTried = () => log.some((line) => line.startsWith('not renewed'));
    // Its place in the five days that begin with the fifth from now lies in the last of them.
    for (const day of [6, 7, 8, 9]) await new Agent(site, AWAY, worldOf({ now: days(day) }, log)).tick();
    assert.ok(!isTried(), log.join('\n'));
    await new Agent(site, AWAY, worldOf({ now: days(10) }, log)).tick();
    assert.ok(isTried(), log.join('\n'));
  });

  it('does so once where several machines have the license, also when the authority says that it is to be now', async () => {
    const lifeAt = () => ({ notBefore: new Date(NOW.getTime() - BACKDATED_MS), notAfter: days(30) });
    const [authority, endpoint] = [await openSmallAuthority(lifeAt), await startSecretsEndpoint()];
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: ACCESS_KEY, AWS_SECRET_ACCESS_KEY: SECRET_KEY });
    const secretsManager = { secret: 'licet/one', region: 'eu-central-1', endpoint: endpoint.url };
    const settings = { servers: [authority.address], secretsManager };
    const serial = toHex(decodeCertificate(issued.certificate).serial);
    const suggestedWindow = { start: days(-1), end: days(-1) };
    const machine = async (path: string) => {
      mkdirSync(path);
      const site = await licensed(path, settings);
      writeFileSync(join(path, 'renewal.json'), JSON.stringify({ serial, suggestedWindow }));
      return { site, agent: new Agent(site, settings, worldOf({ now: NOW }, [])) };
    };
    const all = [await machine(join(folder, '1')), await machine(join(folder, '2')), await machine(join(folder, '3'))];
    try {
      for (const { agent } of all) await agent.tick();
      assert.equal(authority.state.renewals, 1);
      const licenses = all.map(({ site }) => readFileSync(site.folder.file('site.lic'), 'utf8'));
      assert.equal(new Set(licenses).size, 1);
    } finally {
      for (const { site } of all) await site.close();
      authority.close();
      await endpoint.close();
      for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) delete process.env[name];
    }
  });
});
