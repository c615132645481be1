import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';

import type { Slot } from '../licensing/ports/job-runs.ts';
import type { Lease } from '../licensing/ports/leases.ts';
import type { Transaction } from '../licensing/ports/transactions.ts';
import type { Job, JobDependencies, JobReport } from './job.ts';

export const DEFAULT_LEASE_SECONDS = 30;
/** Enough to see how a job fared; the metrics and the log remember longer. */
const KEPT_RUNS = 100;
/** A run that takes its process down each time must not take down one process after the other for ever. */
const MAX_ATTEMPTS = 3;
/** How long an aborted job may take to notice. */
const ABORT_GRACE_MS = 2_000;

type Claimed = { readonly slot: Slot; readonly lease: Lease };

/** Runs the slot unless it was or is being run, here or elsewhere, or the one before is not over yet. */
export async function runSlot(job: Job, at: Date, deps: JobDependencies, stop: AbortSignal): Promise<void> {
  const slot = { job: job.name, at };
  const claimed = await claim(job, deps, async (tx) =>
    (await deps.runs.start(tx, slot, deps.holder)) ? slot : undefined,
  );
  if (claimed !== undefined) await execute(job, claimed, deps, stop);
}

/** Runs the newest slot again if the process that ran it has crashed. */
export async function takeOver(job: Job, deps: JobDependencies, stop: AbortSignal): Promise<void> {
  const claimed = await claim(job, deps, (tx) => deps.runs.takeOver(tx, job.name, deps.holder, MAX_ATTEMPTS));
  if (claimed === undefined) return;
  deps.log.warn({ job: job.name, slot: claimed.slot.at }, 'taking over a run whose process ended');
  await execute(job, claimed, deps, stop);
}

/** Lease and run row in one transaction: nobody ever sees the one without the other. */
function claim(
  job: Job,
  deps: JobDependencies,
  claimSlot: (tx: Transaction) => Promise<Slot | undefined>,
): Promise<Claimed | undefined> {
  return deps.transactions.run('platform', async (tx) => {
    const lease = await deps.leases.acquire(tx, `job:${job.name}`, deps.holder, leaseSeconds(deps));
    if (lease === undefined) return undefined;
    const slot = await claimSlot(tx);
    if (slot !== undefined) return { slot, lease };
    await deps.leases.release(tx, lease);
    return undefined;
  });
}

async function execute(job: Job, { slot, lease }: Claimed, deps: JobDependencies, stop: AbortSignal): Promise<void> {
  const started = performance.now();
  const over = new AbortController();
  const timeout = AbortSignal.timeout(job.timeoutSeconds * 1000);
  const lost = keepAlive(lease, deps, over.signal);
  const signal = AbortSignal.any([timeout, stop, lost]);
  let error: unknown;
  try {
    const assertHeld = (tx: Transaction): Promise<void> => deps.leases.assertHeld(tx, lease);
    await settled(job.run({ slot: slot.at, signal, assertHeld }), signal, over.signal);
  } catch (cause) {
    error = cause ?? new Error('the job rejected without a reason');
  }
  over.abort();
  const wanted = error === undefined ? 'succeeded' : timeout.aborted ? 'timed-out' : 'failed';
  const result = await finish({ slot, lease }, wanted, error, deps);
  const seconds = (performance.now() - started) / 1000;
  const fields = { job: job.name, slot: slot.at, result, seconds, ...(error === undefined ? {} : { err: error }) };
  if (result === 'succeeded') deps.log.info(fields, 'job done');
  else deps.log.error(fields, 'job failed');
  deps.onRun?.({ job: job.name, result, seconds });
}

/** The job's own end, or a rejection when it does not end after it was told to. */
async function settled(run: Promise<void>, signal: AbortSignal, over: AbortSignal): Promise<void> {
  const aborted = async (): Promise<never> => {
    if (!signal.aborted) {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    }
    await pause(ABORT_GRACE_MS, undefined, { signal: over, ref: false });
    throw signal.reason;
  };
  await Promise.race([run, aborted()]);
}

/** Renews the lease while the job runs. The signal it returns is aborted when the lease is no longer ours for sure. */
function keepAlive(lease: Lease, deps: JobDependencies, over: AbortSignal): AbortSignal {
  const lost = new AbortController();
  const seconds = leaseSeconds(deps);
  const beat = async (): Promise<void> => {
    let heldUntil = performance.now() + seconds * 1000;
    while (!over.aborted && !lost.signal.aborted) {
      await pause((seconds * 1000) / 3, undefined, { signal: over, ref: false });
      const asked = performance.now();
      try {
        const held = await deps.transactions.run('platform', (tx) => deps.leases.renew(tx, lease, seconds));
        heldUntil = held ? asked + seconds * 1000 : asked;
      } catch (err) {
        deps.log.warn({ lease: lease.name, err }, 'the lease could not be renewed; trying again');
      }
      if (performance.now() >= heldUntil) lost.abort(new Error(`the lease "${lease.name}" was lost`));
    }
  };
  // Its only rejection is the pause that ends with the job.
  beat().catch(() => undefined);
  return lost.signal;
}

async function finish(
  { slot, lease }: Claimed,
  result: 'succeeded' | 'failed' | 'timed-out',
  error: unknown,
  deps: JobDependencies,
): Promise<JobReport['result']> {
  const message = error === undefined ? undefined : error instanceof Error ? error.message : JSON.stringify(error);
  try {
    await deps.transactions.run('platform', async (tx) => {
      await deps.leases.assertHeld(tx, lease);
      await deps.runs.finish(tx, slot, result, message, KEPT_RUNS);
      await deps.leases.release(tx, lease);
    });
    return result;
  } catch (err) {
    deps.log.error({ job: slot.job, slot: slot.at, err }, 'the end of a job could not be noted: it may run again');
    return 'lost';
  }
}

export function leaseSeconds(deps: JobDependencies): number {
  return deps.leaseSeconds ?? DEFAULT_LEASE_SECONDS;
}
