import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundle, DAY, days, enterprise, makeSite, NOW, organization, root } from '@licet/verify/testing';
import { Agent } from '../agent.ts';
import { openSite } from '../site.ts';
import { siteFolders, worldOf } from './living-site.ts';
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
});
