import { hash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, enrol, openSite, type Site, type World } from '@licet/agent';
import { decodeCertificate, decodePem } from '@licet/format';
import { type EstServer, estServer } from '@licet/server/test-est';
import { seededChance } from './seeded-chance.ts';
import { openWay, type Way } from './way-to-authority.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/** No site renews before half of its life, so none has done so when the authority goes. */
const ENROLLED_WITHIN = 15 * DAY;
/** What a contract has to allow for a site to go so long without any word; with a week, as many have, it is a week. */
const CONTACT_SECONDS = 45 * 86_400;
/** After the return the drill watches for this long. */
const WATCHED = 30 * MINUTE;

export type OutageResult = {
  /** Sites that were told to stop, or to restrict themselves, at any look during the outage. */
  readonly stopped: number;
  /** Sites without a new license when the drill ended. */
  readonly lost: number;
  /** From the return of the authority until the last site had its new license. */
  readonly recoveredMs: number;
};

type Living = { readonly site: Site; readonly agent: Agent };

/**
 * The authority goes away, and sites whose licenses are of every age live on without it: the agent's own code with its
 * folder on disk, real requests over TLS, a simulated clock. Only the waiting is left out.
 */
export async function outage(count: number, days: number, lookEveryMs: number): Promise<OutageResult> {
  const authority = await estServer({}, { contact: CONTACT_SECONDS });
  const way = await openWay(authority.port);
  const base = mkdtempSync(join(tmpdir(), 'licet-outage-'));
  try {
    const time = timeOf(authority);
    const begin = time.now().getTime();
    const sites: Living[] = [];
    for (let number = 0; number < count; number++) {
      time.set(begin + Math.floor((number * ENROLLED_WITHIN) / count));
      sites.push(await settle(join(base, String(number)), authority, way, { ...WORLD, now: () => time.now() }));
    }
    way.isOpen = false;
    const gone = begin + ENROLLED_WITHIN;
    const back = gone + days * DAY;
    const stopped = new Set<Living>();
    for (let at = gone; at <= back; at += lookEveryMs) {
      time.set(at);
      for (const site of sites) if (!(await isWell(site))) stopped.add(site);
    }
    way.isOpen = true;
    return { stopped: stopped.size, ...(await recover(sites, back, time)) };
  } finally {
    rmSync(base, { recursive: true, force: true });
    way.close();
    await authority.close();
  }
}

type Time = { now(): Date; set(ms: number): void };

/** One clock for the sites and their authority. */
function timeOf({ office: { workshop } }: EstServer): Time {
  let now = workshop.now.getTime();
  return {
    now: () => new Date(now),
    set(ms) {
      now = ms;
      workshop.now = new Date(Math.floor(ms / 1000) * 1000);
    },
  };
}

const WORLD: Omit<World, 'now'> = {
  chance: seededChance(7),
  log: () => undefined,
  claimFolder: () => Promise.resolve(),
};

async function settle(path: string, authority: EstServer, { proxy }: Way, world: World): Promise<Living> {
  const settings = { servers: [authority.base], proxy };
  const [root] = decodePem(readFileSync(authority.at('root.pem'), 'utf8'), 'CERTIFICATE');
  const rootFingerprint = hash('sha256', root!.bytes, 'hex');
  const site = await openSite(path, settings);
  await enrol(site, { settings, rootFingerprint, token: authority.office.token() }, () => world.now());
  return { site, agent: new Agent(site, settings, world) };
}

async function isWell({ agent }: Living): Promise<boolean> {
  await agent.tick();
  return agent.verdict?.usable === true && agent.verdict.state !== 'restricted';
}

/** Each site looks when it wants to; the one that wants to first is next. */
async function recover(sites: readonly Living[], back: number, time: Time): Promise<Omit<OutageResult, 'stopped'>> {
  let recoveredMs = 0;
  let lost = sites.length;
  const waiting = sites.map((site) => ({ site, at: back + MINUTE * WORLD.chance() }));
  for (;;) {
    waiting.sort((one, other) => one.at - other.at);
    const next = waiting[0];
    if (next === undefined || next.at > back + WATCHED) return { lost, recoveredMs };
    time.set(next.at);
    next.at += await next.site.agent.tick();
    const current = await next.site.site.store.current();
    const [license] = decodePem(current?.license ?? '', 'CERTIFICATE');
    if (license === undefined || decodeCertificate(license.bytes).notAfter.getTime() < back + 20 * DAY) continue;
    recoveredMs = Math.max(recoveredMs, time.now().getTime() - back);
    lost -= 1;
    waiting.shift();
  }
}
