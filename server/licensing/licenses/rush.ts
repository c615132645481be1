import { LicetError } from '../errors.ts';
import type { Random } from '../ports/random.ts';

export type RushOptions = {
  /** Worked on at a time. */
  readonly inside: number;
  /** And so many may wait. */
  readonly waiting: number;
  /** For so long: below the time after which every request is answered. */
  readonly patienceMs: number;
  readonly random: Random;
};

export type Rush = {
  /** Does the work when there is room for it. `endsAt`: of the license; who cannot tell is let through like the nearest. */
  through<T>(endsAt: Date | undefined, work: () => Promise<T>): Promise<T>;
};

/** Those who are sent away come back after so long, or up to twice that: not together. */
const RETRY_AFTER_SECONDS = 5;

type Waiting = { readonly endsAt: number; enter(): void; sendAway(): void };

/**
 * More renewals at a time than can be done: after an outage everybody comes at once, and most of them have weeks left.
 * Those whose license ends first go first; where there is no room to wait either, those who have the most life left are
 * sent away, and come back.
 */
export function createRush({ inside, waiting: room, patienceMs, random }: RushOptions): Rush {
  /** The nearest end first. */
  const waiting: Waiting[] = [];
  let working = 0;

  function enter(endsAt: number): Promise<void> {
    if (working < inside) {
      working += 1;
      return Promise.resolve();
    }
    if (waiting.length >= room && !(endsAt < (waiting.at(-1)?.endsAt ?? -Infinity))) {
      return Promise.reject(busy(random));
    }
    return new Promise((resolve, reject) => {
      const impatience = setTimeout(() => {
        waiting.splice(waiting.indexOf(one), 1);
        one.sendAway();
      }, patienceMs);
      const one: Waiting = {
        endsAt,
        enter() {
          clearTimeout(impatience);
          resolve();
        },
        sendAway() {
          clearTimeout(impatience);
          reject(busy(random));
        },
      };
      waiting.splice(placeOf(waiting, endsAt), 0, one);
      if (waiting.length > room) waiting.pop()?.sendAway();
    });
  }

  function leave(): void {
    const next = waiting.shift();
    if (next === undefined) working -= 1;
    else next.enter();
  }

  return {
    async through(endsAt, work) {
      await enter(endsAt?.getTime() ?? -Infinity);
      try {
        return await work();
      } finally {
        leave();
      }
    },
  };
}

/** Behind those that end at the same time: they were here before. */
function placeOf(waiting: readonly Waiting[], endsAt: number): number {
  let [low, high] = [0, waiting.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((waiting[middle]?.endsAt ?? Infinity) <= endsAt) low = middle + 1;
    else high = middle;
  }
  return low;
}

function busy(random: Random): LicetError {
  const [drawn = 0] = random.bytes(1);
  const message = 'More sites renew at this moment than can be served; ask again later, there is time.';
  return new LicetError('unavailable', 'BUSY', message, { retryAfterSeconds: RETRY_AFTER_SECONDS * (1 + drawn / 256) });
}
