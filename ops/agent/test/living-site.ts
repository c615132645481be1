import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundle, days, enterprise, makeSite, NOW, organization, root, SITE_CLAIMS } from '@licet/verify/testing';
import { Agent, type World } from '../agent.ts';
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
  const agent = new Agent(site, settings, worldOf(time, log));
  const stateAt = async (day: number): Promise<string | undefined> => {
    time.now = days(day);
    await agent.tick();
    return agent.verdict?.state;
  };
  return { site, agent, log, stateAt };
}

/** A world whose clock is set by hand, and in which what is said is kept. */
export const worldOf = (time: { readonly now: Date }, log: string[]): World => ({
  now: () => time.now,
  chance: () => 0,
  log: (line) => void log.push(line),
  claimFolder: () => Promise.resolve(),
});

/** A new folder for each test of a suite; to be called inside its `describe`. */
export function siteFolders(): () => string {
  let base: string;
  let folder: string;
  before(() => {
    base = mkdtempSync(join(tmpdir(), 'licet-living-'));
  });
  beforeEach(() => {
    folder = mkdtempSync(join(base, 'site-'));
  });
  after(() => rmSync(base, { recursive: true, force: true }));
  return () => folder;
}
