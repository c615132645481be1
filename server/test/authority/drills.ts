import { fromHex } from '@licet/format';
import { reconcile } from '../../authority/reconcile.ts';
import { LicetError } from '../../licensing/errors.ts';
import type { IssuedLicense } from '../../licensing/ports/issuance.ts';
import { makeCertificatePartitions } from '../../persistence/authority/partitions.ts';
import { createLog } from '../../log.ts';
import { createMetrics } from '../../metrics.ts';
import { createLifecycle } from '../../lifecycle.ts';
import { connectStatus } from '../../wire-status.ts';
import { openServerSigner } from '../../wire-signer.ts';
import { serve } from '../frame/served.ts';
import { CONTRACT, licenseOrder, lineageOf, Workshop } from './workshop.ts';

const ROLE = { organization: 'demo', kind: 'enterprise', enterprise: 'globex', contract: CONTRACT } as const;

export type OldBackup = {
  readonly fenced: boolean;
  readonly lost: number;
  readonly unrevoked: number;
  readonly reopened: boolean;
  readonly ms: number;
};

/** Issues before a backup and after it, revokes of both, puts the backup back, starts, and reconciles. */
export async function oldBackup(before: number, after: number): Promise<OldBackup> {
  const workshop = await Workshop.open();
  try {
    const early = await issueMany(workshop, 1, before);
    await workshop.stop();
    workshop.backUp();
    await workshop.start();
    const licenses = [...early, ...(await issueMany(workshop, before + 1, after))];
    const { authority } = (await workshop.authority.directory.active(ROLE))!;
    const ids = licenses.map(({ serial }) => ({ issuer: authority.key, serial: fromHex(serial) }));
    const revoked = ids.filter((_, index) => index % 3 === 0);
    const event = { type: 'revoke', reason: 'keyCompromise' } as const;
    const order = { organization: 'demo', event, principal: 'user:drill', context: {} };
    await workshop.authority.revoker.changeAll(order, revoked, { id: 'drill' });
    await workshop.stop();
    workshop.restore();
    await workshop.start();
    const fenced = workshop.authority.fence.reason !== undefined;
    const began = performance.now();
    await reconcile({
      ...workshop.authority.journal,
      publish: workshop.authority.publish,
      makePartitions: async (from) => {
        await workshop.database.run('platform', (tx) => makeCertificatePartitions(tx, from));
      },
    });
    const ms = performance.now() - began;
    const known = await workshop.authority.revocations.find(ids);
    const lost = known.filter((one) => one === undefined).length;
    const states = await workshop.authority.revocations.find(revoked);
    const unrevoked = states.filter((one) => one?.state.state !== 'revoked').length;
    await workshop.authority.guard.check();
    return { fenced, lost, unrevoked, reopened: workshop.authority.fence.reason === undefined, ms };
  } finally {
    await workshop.close();
  }
}

function issueMany({ authority }: Workshop, first: number, count: number): Promise<readonly IssuedLicense[]> {
  const numbers = Array.from({ length: count }, (_, index) => first + index);
  return Promise.all(numbers.map((number) => authority.issuance.issue(licenseOrder(lineageOf(number)))));
}

export type SignerFault = {
  readonly fault: 'killed' | 'stopped';
  /** From the request to its refusal. */
  readonly ms: number;
  readonly refused: boolean;
  /** The CRL and the cached OCSP answers go on meanwhile. */
  readonly served: boolean;
  /** From the end of the fault to the next license. */
  readonly backMs: number;
};

/** The signer killed, and stopped for as long as nobody would wait. */
export async function signerFaults(): Promise<readonly SignerFault[]> {
  const workshop = await Workshop.open((config) => openServerSigner(config, { warn: quiet, error: quiet }));
  const log = createLog({
    level: 'error',
    format: 'json',
    clock: { now: () => new Date() },
    write: quiet,
    secrets: [],
  });
  const ground = {
    config: workshop.config,
    log,
    metrics: createMetrics({ version: '0', routes: [], jobs: [] }),
    lifecycle: createLifecycle({ log, codes: { clean: 0, cut: 1, crashed: 2 }, exit: quiet, hardLimitMs: 1000 }),
  };
  const status = connectStatus(ground, workshop.authority, workshop.signer);
  await status.start();
  const served = await serve({ fastPaths: status.fastPaths });
  try {
    await issueMany(workshop, 1, 1);
    const found: SignerFault[] = [];
    for (const fault of ['killed', 'stopped'] as const) found.push(await suffer(workshop, served.url, fault));
    return found;
  } finally {
    await served.close();
    await status.stop();
    await workshop.close();
  }
}

async function suffer(workshop: Workshop, url: string, fault: SignerFault['fault']): Promise<SignerFault> {
  const pid = workshop.pid()!;
  process.kill(pid, fault === 'killed' ? 'SIGKILL' : 'SIGSTOP');
  const began = performance.now();
  const [refused, answers] = await Promise.all([refusal(workshop), crlAnswers(workshop, url)]);
  const ms = performance.now() - began;
  if (fault === 'stopped') process.kill(pid, 'SIGCONT');
  const over = performance.now();
  for (let tries = 0; (await refusal(workshop)) && tries < 100; tries += 1) await pause(20);
  return { fault, ms, refused: refused || fault === 'killed', served: answers, backMs: performance.now() - over };
}

let next = 1000;

/** True: refused for now, with a time to come back; false: issued. */
async function refusal({ authority }: Workshop): Promise<boolean> {
  try {
    await authority.issuance.issue(licenseOrder(lineageOf((next += 1))));
    return false;
  } catch (error) {
    if (error instanceof LicetError && error.kind === 'unavailable' && error.retryAfterSeconds !== undefined)
      return true;
    throw error;
  }
}

async function crlAnswers({ authority }: Workshop, url: string): Promise<boolean> {
  const service = (await authority.directory.held()).find(({ purpose }) => purpose === 'service')!;
  const { pathname } = new URL(service.addresses!.crls[0]!);
  const response = await fetch(url + pathname);
  return response.status === 200 && (await response.arrayBuffer()).byteLength > 0;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const quiet = (): void => undefined;
