import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Agent } from 'node:https';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { AgentError, askSuggestion, EstClient, pauseSeconds, type Settings } from '@licet/agent';
import { decodeCertificate, decodePem, encodePem } from '@licet/format';
import { ask } from './house/ask.ts';
import type { House } from './house/house.ts';
import { readyAddress } from './house/is-ready.ts';
import { makeSiteKey } from './house/site-key.ts';
import { seededChance } from './seeded-chance.ts';

/** All of them begin within so long. */
const STAMPEDE_MS = 1000;
/** A site has a processor of its own: it must not wait with its handshake until this thread has begun all the others. */
const BEGUN_IN_A_TURN = 64;
const MADE_AT_A_TIME = 48;

export type Licensed = {
  readonly key: string;
  /** The license and the CAs above it, PEM. */
  readonly license: string;
  readonly endsAt: number;
  /** What it will ask for: made beforehand, as an agent has it on its disk. */
  readonly request: Uint8Array;
};

export type RushResult = {
  /** By then each had knocked: as fast as one thread beside the server can be all of them. */
  readonly knockedSeconds: number;
  readonly renewed: number;
  /** From the first request until the last site had its new license. */
  readonly lastSeconds: number;
  /** When half of those were renewed whose license ends first, and half of those whose ends last: a tenth of all each. */
  readonly nearSeconds: number;
  readonly farSeconds: number;
  /** What the clients were told, by code; where there was no answer, what the agent says of that. */
  readonly answers: ReadonlyMap<string, number>;
  /** Refusals by 503 that did not say when to come back. */
  readonly timeless: number;
  /** The slowest answer of those that a rush must not touch, by path, in milliseconds. */
  readonly slowest: ReadonlyMap<string, number>;
};

/** Sites with their first license, over the API: many in little time. */
export async function license(house: House, count: number): Promise<Licensed[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: MADE_AT_A_TIME });
  const way = { port: house.options.ports.public, agent, ca: house.ca };
  const headers = { Authorization: `Bearer ${house.token}`, 'Content-Type': 'application/json' };
  const made: Licensed[] = [];
  let begun = 0;
  const work = async (): Promise<void> => {
    while (begun < count) {
      const name = `rush-${(begun += 1)}-${randomUUID().slice(0, 8)}`;
      const key = makeSiteKey();
      const csr = encodePem('CERTIFICATE REQUEST', key.csr);
      const body = JSON.stringify({ contract: house.contract, name, mode: 'development', csr });
      const question = { method: 'POST', path: '/api/v1/sites/create', headers, body } as const;
      let answer = await ask(way, question);
      for (; answer.status === 503; answer = await ask(way, question)) {
        await pause(1000 * Number(answer.headers['retry-after']) * Math.random());
      }
      if (answer.status !== 201) throw new Error(`no license: ${answer.status} ${answer.body.toString('utf8')}`);
      const { license: given } = JSON.parse(answer.body.toString('utf8')) as { license: { pem: string } };
      const [leaf] = decodePem(given.pem, 'CERTIFICATE');
      const endsAt = decodeCertificate(leaf!.bytes).notAfter.getTime();
      made.push({ key: key.pem, license: given.pem, endsAt, request: makeSiteKey().csr });
    }
  };
  await Promise.all(Array.from({ length: MADE_AT_A_TIME }, work));
  agent.destroy();
  return made;
}

/**
 * All of them before the real server within one second, each as its agent would: when to renew, the renewal over mutual
 * TLS, the CAs above it, by the code of the agent and with its pauses. Only disk, evidence and verdict are left out, which
 * are each site's own, and not what one machine could do for all of them.
 */
export async function rush(house: House, sites: readonly Licensed[], patienceMs: number): Promise<RushResult> {
  const chance = seededChance(9);
  const settings: Settings = { servers: [`https://localhost:${house.options.ports.public}`] };
  const answers = new Map<string, number>();
  const begin = performance.now();
  const times = new Map<Licensed, number>();
  let timeless = 0;
  let knockedSeconds = 0;
  const count = (what: string) => void answers.set(what, (answers.get(what) ?? 0) + 1);
  const turn = createTurns(BEGUN_IN_A_TURN);
  const live = async (site: Licensed): Promise<void> => {
    await pause(STAMPEDE_MS * chance());
    await turn();
    knockedSeconds = (performance.now() - begin) / 1000;
    await askSuggestion(settings, { key: site.key, license: site.license }, house.ca);
    for (let failures = 0; performance.now() - begin < patienceMs; failures += 1) {
      await turn();
      try {
        await renew(settings, site, house.ca);
        count('200');
        times.set(site, (performance.now() - begin) / 1000);
        return;
      } catch (error) {
        if (!(error instanceof AgentError)) throw error;
        const { serverCode, code, retryAfterSeconds, message } = error;
        count(serverCode === undefined ? message : `${code} ${serverCode}`);
        if (serverCode !== undefined && code === 'UNAVAILABLE' && retryAfterSeconds === undefined) timeless += 1;
        await pause(1000 * pauseSeconds(failures, chance(), retryAfterSeconds));
      }
    }
  };
  const probes = probe(house);
  await Promise.all(sites.map(live));
  const slowest = await probes.stop();
  const inOrder = sites.toSorted((one, other) => one.endsAt - other.endsAt).map((site) => times.get(site) ?? Infinity);
  const tenth = Math.ceil(sites.length / 10);
  return {
    knockedSeconds,
    renewed: times.size,
    lastSeconds: Math.max(...inOrder),
    nearSeconds: median(inOrder.slice(0, tenth)),
    farSeconds: median(inOrder.slice(-tenth)),
    answers,
    timeless,
    slowest,
  };
}

async function renew(settings: Settings, { key, license: certificates, request }: Licensed, root: string) {
  const client = new EstClient(settings);
  const trust = { root, isPublic: false };
  await client.request(request, { identity: { key, certificates } }, trust);
  await client.caCertificates(trust);
}

/** Resolves for so many in one turn of the event loop. */
function createTurns(most: number): () => Promise<void> {
  const waiting: (() => void)[] = [];
  const next = (): void => {
    for (const begin of waiting.splice(0, most)) begin();
    if (waiting.length > 0) setImmediate(next);
  };
  return () =>
    new Promise((resolve) => {
      if (waiting.push(resolve) === 1) setImmediate(next);
    });
}

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;

/** By a thread of its own: this one is busy being ten thousand sites. */
function probe({ options: { ports } }: House): { stop(): Promise<ReadonlyMap<string, number>> } {
  const workerData = [
    readyAddress(ports),
    `http://127.0.0.1:${ports.operations}/livez`,
    `http://127.0.0.1:${ports.plain}/ca/roots.pem`,
  ];
  const worker = new Worker(join(import.meta.dirname, 'probe.ts'), { workerData });
  return {
    async stop() {
      worker.postMessage('stop', []);
      const [slowest] = (await once(worker, 'message')) as [ReadonlyMap<string, number>];
      await worker.terminate();
      return slowest;
    },
  };
}
