import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Agent, enrol, openSite, type Settings, type Site, type World } from '@licet/agent';
import { decodeCertificate, decodePem } from '@licet/format';
import type { House } from './house/house.ts';
import { seededChance } from './seeded-chance.ts';

const DAY = 86_400_000;
/** Two thirds of the life of a license are over: every site wants to renew. */
const LATER = 20.5 * DAY;
/** All of them begin within so long. */
const STAMPEDE_MS = 1000;
const AT_A_TIME = 16;

export type ReturnResult = {
  readonly renewed: number;
  /** From the return of the authority until the last site had its new license. */
  readonly lastSeconds: number;
  /** Requests that the server could not answer, by status. */
  readonly statuses: ReadonlyMap<string, number>;
  /** What agents said about tries that failed, without names and numbers. */
  readonly complaints: ReadonlyMap<string, number>;
};

type Kit = {
  readonly servers: string[];
  readonly label: string;
  readonly rootFingerprint: string;
  readonly token: string;
};

/**
 * Real agents before a real server process: enrolled with kits of its API, then the server is gone, then it is back and
 * all of them ask within one second. The agents' clocks are ahead, so that their licenses are due; their pauses are real.
 */
export async function returningFleet(house: House, agents: number, patienceMs: number): Promise<ReturnResult> {
  const base = mkdtempSync(join(tmpdir(), 'licet-fleet-'));
  const sites: { site: Site; settings: Settings }[] = [];
  try {
    const numbers = Array.from({ length: agents }, (_, number) => number);
    const workers = Array.from({ length: AT_A_TIME }, async () => {
      for (let number = numbers.pop(); number !== undefined; number = numbers.pop()) {
        sites.push(await settle(house, join(base, String(number)), `fleet-${number}`));
      }
    });
    await Promise.all(workers);
    await house.server.end('SIGTERM');
    await house.restart();
    return await stampede(house, sites, patienceMs);
  } finally {
    for (const { site } of sites) await site.close();
    rmSync(base, { recursive: true, force: true });
  }
}

async function settle(house: House, path: string, name: string): Promise<{ site: Site; settings: Settings }> {
  const body = JSON.stringify({ contract: house.contract, mode: 'development', name });
  const answer = await house.ask({ method: 'POST', path: '/api/v1/enrolments', body });
  if (answer.status !== 201) throw new Error(`no kit: ${answer.status} ${answer.body.toString('utf8').slice(0, 300)}`);
  const { kit } = JSON.parse(answer.body.toString('utf8')) as { kit: Kit };
  const { rootFingerprint, token, label } = kit;
  const settings = { servers: [`https://localhost:${house.options.ports.public}`], label };
  const site = await openSite(path, settings);
  await enrol(site, { settings, rootFingerprint, token }, () => new Date());
  return { site, settings };
}

async function stampede(
  house: House,
  sites: readonly { site: Site; settings: Settings }[],
  patienceMs: number,
): Promise<ReturnResult> {
  const chance = seededChance(9);
  const complaints = new Map<string, number>();
  const begin = performance.now();
  let lastMs = 0;
  const lives = sites.map(async ({ site, settings }) => {
    const world: World = {
      now: () => new Date(Date.now() + LATER),
      chance,
      log: (message) => count(complaints, message),
      claimFolder: () => Promise.resolve(),
    };
    const agent = new Agent(site, settings, world);
    const before = serialOf(await site.store.current());
    await pause(STAMPEDE_MS * chance());
    while (performance.now() - begin < patienceMs) {
      const sleep = await agent.tick();
      if (serialOf(await site.store.current()) !== before) {
        lastMs = Math.max(lastMs, performance.now() - begin);
        return true;
      }
      await pause(sleep);
    }
    return false;
  });
  const renewed = (await Promise.all(lives)).filter(Boolean).length;
  return { renewed, lastSeconds: lastMs / 1000, statuses: statusesOf(house), complaints };
}

const serialOf = (current: { readonly license: string } | undefined): string => {
  const [leaf] = decodePem(current?.license ?? '', 'CERTIFICATE');
  return leaf === undefined ? '' : Buffer.from(decodeCertificate(leaf.bytes).serial).toString('hex');
};

function count(counts: Map<string, number>, message: string): void {
  const kind = message.replace(/license:\S+|\d+/g, '…').slice(0, 120);
  counts.set(kind, (counts.get(kind) ?? 0) + 1);
}

/** Refusals of the public listener by status, as its log has them. */
function statusesOf(house: House): Map<string, number> {
  const statuses = new Map<string, number>();
  for (const [, status = ''] of house.server.output.matchAll(/"status":(5\d\d)\b/g)) {
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  return statuses;
}
