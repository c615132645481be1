import { setTimeout as pause } from 'node:timers/promises';

import type { Claim, Outbox, OutboxEvent } from '../licensing/ports/outbox.ts';
import type { Random } from '../licensing/ports/random.ts';
import type { Transaction, Transactions } from '../licensing/ports/transactions.ts';
import type { Log } from './job.ts';

/** Who hears of events, from its first start on; its name is its identity. */
export type Subscriber = {
  readonly name: string;
  /** What it hears; undefined: everything. An event that nobody hears costs next to nothing. */
  readonly types?: readonly string[];
} & (
  | {
      /** Has its effect in the given transaction, and so exactly once. May be called again, so it has no other effect. */
      apply(event: OutboxEvent, tx: Transaction): Promise<void>;
    }
  | {
      /** Has its effect elsewhere, at least once: who receives it drops repetitions by `event.id`. */
      send(event: OutboxEvent, signal: AbortSignal): Promise<void>;
    }
);

export type DelivererDependencies = {
  readonly transactions: Transactions;
  readonly outbox: Outbox;
  readonly random: Random;
  readonly log: Log;
  readonly onDelivery?: (delivery: { subscriber: string; result: 'delivered' | 'failed' | 'dead' }) => void;
  /** How long one delivery may take; when a process crashes, its events come back after this. Default 30. */
  readonly leaseSeconds?: number;
  /** How soon an event is noticed that another process published. Default 1000. */
  readonly pollMs?: number;
  /** Called when an event is sent and not yet marked as sent. */
  readonly crashPoint?: () => void;
};

export type Deliverer = {
  /** An event was just published here: deliver it now. Cheap; call it after each commit. */
  nudge(): void;
  /** Waits for the deliveries that are running; after `graceMs` tells them to end. */
  stop(graceMs?: number): Promise<void>;
};

/** Enough streams at once that a slow receiver of one holds up few others. */
const BATCH = 16;
/** With the pauses below: about two days of trying. */
const MAX_ATTEMPTS = 16;
const LONGEST_PAUSE_SECONDS = 6 * 3600;

/** Exponential from one second, with full jitter above its half: those who failed together do not come back together. */
export function retryPause(attempts: number, random: Random): number {
  const longest = Math.min(2 ** (attempts - 1), LONGEST_PAUSE_SECONDS);
  const fraction = Buffer.from(random.bytes(4)).readUInt32BE() / 2 ** 32;
  return longest * (0.5 + fraction / 2);
}

/** Delivers to every subscriber until it is stopped. Any number of processes may do so over one outbox. */
export async function startDeliverer(
  subscribers: readonly Subscriber[],
  deps: DelivererDependencies,
): Promise<Deliverer> {
  await deps.transactions.run('platform', async (tx) => {
    for (const { name, types } of subscribers) await deps.outbox.subscribe(tx, name, types);
  });
  const stopping = new AbortController();
  const ending = new AbortController();
  let awake = new AbortController();
  const loops = subscribers.map((subscriber) =>
    loop(subscriber, deps, { stopping: stopping.signal, ending: ending.signal, awake: () => awake.signal }),
  );
  const nudge = (): void => {
    const sleeping = awake;
    awake = new AbortController();
    sleeping.abort();
  };
  return {
    nudge,
    async stop(graceMs = 15_000) {
      stopping.abort();
      nudge();
      const grace = setTimeout(() => ending.abort(new Error('the server stops')), graceMs);
      await Promise.all(loops);
      clearTimeout(grace);
    },
  };
}

type Signals = { readonly stopping: AbortSignal; readonly ending: AbortSignal; awake(): AbortSignal };

async function loop(subscriber: Subscriber, deps: DelivererDependencies, signals: Signals): Promise<void> {
  const { transactions, outbox, log, leaseSeconds = 30, pollMs = 1000 } = deps;
  while (!signals.stopping.aborted) {
    // Taken before looking, so that a nudge in between is not slept through.
    const awake = signals.awake();
    let claims: readonly Claim[] = [];
    try {
      claims = await transactions.run('platform', (tx) => outbox.claim(tx, subscriber.name, BATCH, leaseSeconds));
      await Promise.all(claims.map((claim) => deliver(subscriber, claim, deps, signals.ending)));
    } catch (err) {
      log.warn({ subscriber: subscriber.name, err }, 'the outbox could not be read; trying again');
      claims = [];
    }
    // Another delivery may be due behind the ones just made, in the same streams.
    if (claims.length === 0) await pause(pollMs, undefined, { signal: awake, ref: false }).catch(() => undefined);
  }
}

/** Never rejects: what cannot even be noted comes back when the claim's time is over. */
async function deliver(
  subscriber: Subscriber,
  claim: Claim,
  deps: DelivererDependencies,
  ending: AbortSignal,
): Promise<void> {
  const { transactions, outbox, log, onDelivery, leaseSeconds = 30, crashPoint } = deps;
  const fields = { subscriber: subscriber.name, event: claim.event.id, attempts: claim.attempts };
  try {
    if ('send' in subscriber) {
      // Shorter than the claim: a delivery that outlives it would run beside its own repetition.
      const signal = AbortSignal.any([ending, AbortSignal.timeout(leaseSeconds * 900)]);
      await subscriber.send(claim.event, signal);
      crashPoint?.();
    }
    await transactions.run('platform', async (tx) => {
      if ('apply' in subscriber) await subscriber.apply(claim.event, tx);
      await outbox.settle(tx, claim);
    });
    onDelivery?.({ subscriber: subscriber.name, result: 'delivered' });
  } catch (err) {
    const dead = claim.attempts >= MAX_ATTEMPTS;
    const reason = err instanceof Error ? err.message : String(err);
    if (dead) log.error({ ...fields, err }, 'an event could not be delivered and is a dead letter now');
    else log.warn({ ...fields, err }, 'an event could not be delivered; trying again');
    onDelivery?.({ subscriber: subscriber.name, result: dead ? 'dead' : 'failed' });
    const next = dead ? 'dead' : retryPause(claim.attempts, deps.random);
    await transactions
      .run('platform', (tx) => outbox.fail(tx, claim, reason, next))
      .catch((cause: unknown) => log.warn({ ...fields, err: cause }, 'a failed delivery could not be noted'));
  }
}
