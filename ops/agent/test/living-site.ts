import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundle, days, enterprise, makeSite, NOW, organization, root, SITE_CLAIMS } from '@licet/verify/testing';
import { Agent } from '../agent.ts';
import type { Settings } from '../settings.ts';
import { openSite, type Site } from '../site.ts';

export const hasCode = (code: string, words: RegExp) => (error: unknown) => {
  const { code: found, message } = error as { code: string; message: string };
  assert.equal(found, code, message);
  assert.match(message, words);
  return true;
};

export const issued = makeSite(enterprise, { claims: { ...SITE_CLAIMS, sequence: 1 } });
export const LICENSE = {
  key: issued.key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  license: bundle(issued, enterprise, organization),
};
/** Nobody listens there. */
export const AWAY: Settings = { servers: ['https://localhost:9'], proxy: 'http://127.0.0.1:9' };

export async function licensed(path: string, settings: Settings = AWAY): Promise<Site> {
  const site = await openSite(path, settings);
  writeFileSync(join(path, 'root.pem'), bundle(root));
  writeFileSync(join(path, 'agent.json'), JSON.stringify(settings));
  await site.store.install(LICENSE);
  return site;
}

export async function living(folder: string, settings: Settings = AWAY) {
  const site = await licensed(folder, settings);
  const time = { now: NOW };
  const log: string[] = [];
  const world = {
    now: () => time.now,
    chance: () => 0,
    log: (line: string) => void log.push(line),
    claimFolder: () => Promise.resolve(),
  };
  const agent = new Agent(site, settings, world);
  const stateAt = async (day: number): Promise<string | undefined> => {
    time.now = days(day);
    await agent.tick();
    return agent.verdict?.state;
  };
  return { site, agent, log, stateAt };
}
