import { type Noted, noteOutcome, sendToWebhook } from '../licensing/notices/deliver.ts';
import type { NoticeDeps } from '../licensing/notices/ports.ts';
import { sendByMail } from '../licensing/notices/send-mail.ts';
import type { Channel, Outcome } from '../licensing/model/delivery.ts';
import type { DeliveryClaim } from '../licensing/ports/deliveries.ts';
import type { Log } from '../log/log.ts';

export type SenderDependencies = {
  readonly deps: NoticeDeps;
  readonly log: Log;
  readonly onDelivery?: (delivery: { readonly channel: Channel; readonly result: Noted }, count: number) => void;
  /** How soon something is noticed that is due. Default 1000. */
  readonly pollMs?: number;
  /** When a process crashes, what it was delivering comes back after this. Default 60. */
  readonly leaseSeconds?: number;
};

export type Sender = {
  /** Waits for what is being sent; after `graceMs` tells it to end. */
  stop(graceMs?: number): Promise<void>;
};

type Way = {
  readonly channel: Channel;
  /** How many may be under way at once, in all and to one receiver: a slow one holds up few others. */
  readonly limit: number;
  readonly each: number;
  /** What goes out together. */
  readonly parcels: (claims: readonly DeliveryClaim[]) => readonly (readonly DeliveryClaim[])[];
  readonly send: (deps: NoticeDeps, claims: readonly DeliveryClaim[], signal: AbortSignal) => Promise<Outcome>;
};

const WEBHOOKS: Way = {
  channel: 'webhook',
  limit: 32,
  each: 4,
  parcels: (claims) => claims.map((claim) => [claim]),
  send: (deps, claims, signal) => sendToWebhook(deps, claims[0]!, signal),
};

const MAIL: Way = {
  channel: 'mail',
  limit: 1000,
  each: 500,
  // An invitation is a mail of its own, and so is everything of another recipient.
  parcels: (claims) => [...Map.groupBy(claims, ({ receiver, secret, id }) => (secret ? id : receiver)).values()],
  send: sendByMail,
};

/** Delivers until it is stopped. Any number of processes may do so over one database. */
export function startSender(dependencies: SenderDependencies): Sender {
  const ending = new AbortController();
  const ways = dependencies.deps.mailer === undefined ? [WEBHOOKS] : [WEBHOOKS, MAIL];
  const loops = ways.map((way) => startLoop(way, dependencies, ending.signal));
  return {
    async stop(graceMs = 15_000) {
      const grace = setTimeout(() => ending.abort(new Error('the server stops')), graceMs);
      await Promise.all(loops.map((one) => one.stop()));
      clearTimeout(grace);
    },
  };
}

/** Somebody waits for it to ring, or for the time to be over; a ring that nobody waited for is kept. */
function createBell() {
  let rung = false;
  let answer: (() => void) | undefined;
  return {
    ring(): void {
      rung = true;
      answer?.();
    },
    async wait(ms: number): Promise<void> {
      if (!rung) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms).unref();
          answer = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      rung = false;
    },
  };
}

function startLoop(way: Way, dependencies: SenderDependencies, ending: AbortSignal) {
  const { log, pollMs = 1000 } = dependencies;
  const bell = createBell();
  const stopping = new AbortController();
  /** By receiver, how many are under way. */
  const running = new Map<string, number>();
  const count = (receiver: string, more: number): void => {
    const now = (running.get(receiver) ?? 0) + more;
    if (now === 0) running.delete(receiver);
    else running.set(receiver, now);
  };
  const parcels = new Set<Promise<void>>();
  const send = async (parcel: readonly DeliveryClaim[]): Promise<void> => {
    const receiver = parcel[0]!.receiver;
    count(receiver, parcel.length);
    await deliver(way, parcel, dependencies, ending);
    count(receiver, -parcel.length);
    bell.ring();
  };
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const claims = await claim(way, running, dependencies).catch((err: unknown) => {
        log.warn({ subscriber: way.channel, err }, 'what is to be delivered could not be read; trying again');
        return [];
      });
      for (const parcel of way.parcels(claims)) {
        const sent = send(parcel).finally(() => parcels.delete(sent));
        parcels.add(sent);
      }
      // After a full hand there may be more, as soon as there is room for it.
      if (claims.length === 0 || parcels.size >= way.limit) await bell.wait(pollMs);
    }
    await Promise.all(parcels);
  };
  const ended = run();
  return {
    stop(): Promise<void> {
      stopping.abort();
      bell.ring();
      return ended;
    },
  };
}

async function claim(
  { channel, limit, each }: Way,
  running: ReadonlyMap<string, number>,
  { deps, leaseSeconds = 60 }: SenderDependencies,
): Promise<readonly DeliveryClaim[]> {
  const free = limit - [...running.values()].reduce((sum, count) => sum + count, 0);
  if (free <= 0) return [];
  // Whoever has some under way gets no more until they are done.
  const bounds = { limit: free, each, busy: [...running.keys()] };
  return deps.transactions.run('platform', (tx) => deps.stores.deliveries.claim(tx, channel, bounds, leaseSeconds));
}

/** Never rejects: what cannot even be noted comes back when the claim's time is over. */
async function deliver(
  way: Way,
  claims: readonly DeliveryClaim[],
  { deps, log, onDelivery }: SenderDependencies,
  ending: AbortSignal,
): Promise<void> {
  const { channel, send } = way;
  const fields = { subscriber: `${channel}:${claims[0]?.receiver}`, count: claims.length };
  try {
    const outcome = await send(deps, claims, ending).catch((err: unknown): Outcome => {
      // A secret that does not open, say: it is tried again as long as any other, and given up like it.
      log.warn({ ...fields, err }, 'a notice could not be made');
      return { result: 'failed', answer: undefined, error: 'It could not be made; the log of the server says why.' };
    });
    const result = await noteOutcome(deps, claims, outcome);
    onDelivery?.({ channel, result }, claims.length);
    if (outcome.result === 'delivered') return;
    const details = { ...fields, status: outcome.answer, reason: outcome.error };
    if (result === 'dead') log.warn(details, 'a notice could not be delivered and is a dead letter now');
    else log.info(details, 'a notice could not be delivered; trying again');
  } catch (err) {
    log.warn({ ...fields, err }, 'what came of a notice could not be noted; trying again');
  }
}
