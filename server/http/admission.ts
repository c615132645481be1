import { LicetError } from '../licensing/errors.ts';
import type { Clock } from '../licensing/ports/clock.ts';
import type { AdmissionCounts } from '../metrics/metrics.ts';
import { createPace } from './pace.ts';

export type AdmissionOptions = {
  readonly clock: Clock;
  /** Nobody waits longer for a place: below the time after which every request is answered. */
  readonly patienceMs: number;
  /** Ever rising, whatever is done to the clock. */
  readonly elapsedMs?: () => number;
  /** Worked on at a time at the most, and at the least. */
  readonly bounds?: { readonly most: number; readonly least: number };
};

/** One full batch of the authority; beyond that more at a time make nothing faster, and everybody waits longer. */
const BOUNDS = { most: 256, least: 4 };
/**
 * As many are worked on as leave within so long. It is well below the second for which the pool of the database lets wait
 * for a connection, so that it is here and not there that somebody is refused.
 */
const INSIDE_MS = 500;
/** What waits holds memory. */
const MOST_WAITING = 4096;
const RETRY_AFTER = { least: 2, most: 300 };
/** Of what one costs that is served: to send somebody away takes a TLS handshake too, and no way to the database. */
const COST_OF_REFUSAL = 1 / 3;

type Waiting = { readonly endsAt: number; enter(): void; sendAway(): void };

/**
 * The one place where a rush is met, before anything is asked of the database: so many are worked on at a time, and as
 * many wait as can be served while they are patient. Those whose license ends first go first. Those with the most life
 * left are sent away at once, each with a time of its own, so that they come back as fast as they can be served.
 *
 * Nothing is proven at this door yet. So a license that is said to have ended counts as ending now, like whoever shows
 * none (a person, a new site): a forged one is worth no more than none.
 */
export class Admission {
  readonly #clock: Clock;
  readonly #patienceMs: number;
  readonly #elapsedMs: () => number;
  readonly #bounds: { readonly most: number; readonly least: number };
  readonly #pace;
  /** What the pace would be if nobody had to be sent away: it will be that when they come back, each at a time of its own. */
  readonly #paceAlone;
  /** The nearest end first. */
  readonly #waiting: Waiting[] = [];
  #inside = 0;
  #sentAway = 0;
  /** By then those are served who were told when to come back. */
  #promisedUntil = 0;

  constructor({ clock, patienceMs, elapsedMs = () => performance.now(), bounds = BOUNDS }: AdmissionOptions) {
    this.#clock = clock;
    this.#patienceMs = patienceMs;
    this.#elapsedMs = elapsedMs;
    this.#bounds = bounds;
    this.#pace = createPace(elapsedMs);
    this.#paceAlone = createPace(elapsedMs);
  }

  /**
   * Does the work when there is room for it. `endsAt`: of the license that is shown, undefined where none is; asked for
   * only where there is no room, since to read a license takes time.
   */
  async through<T>(endsAt: () => Date | undefined, work: () => Promise<T>): Promise<T> {
    if (this.#inside < this.#room) this.#inside += 1;
    else await this.#wait(Math.max(endsAt()?.getTime() ?? 0, this.#clock.now().getTime()));
    const began = this.#elapsedMs();
    try {
      return await work();
    } finally {
      this.#leave(this.#elapsedMs() - began);
    }
  }

  get counts(): AdmissionCounts {
    return { inside: this.#inside, waiting: this.#waiting.length, sentAway: this.#sentAway };
  }

  get #room(): number {
    return clamp(Math.floor(INSIDE_MS / this.#pace.eachMs), this.#bounds.least, this.#bounds.most);
  }

  get #mayWait(): number {
    return Math.min(MOST_WAITING, Math.floor(this.#patienceMs / this.#pace.eachMs));
  }

  #wait(endsAt: number): Promise<void> {
    const waiting = this.#waiting;
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        waiting.splice(waiting.indexOf(one), 1);
        one.sendAway();
      };
      const impatience = setTimeout(giveUp, this.#patienceMs);
      const one: Waiting = {
        endsAt,
        enter() {
          clearTimeout(impatience);
          resolve();
        },
        sendAway: () => {
          clearTimeout(impatience);
          reject(this.#busy());
        },
      };
      waiting.splice(placeOf(waiting, endsAt), 0, one);
      while (waiting.length > this.#mayWait) waiting.pop()?.sendAway();
    });
  }

  #leave(tookMs: number): void {
    const isFull = this.#waiting.length > 0 || tookMs > INSIDE_MS;
    this.#pace.left(isFull);
    this.#paceAlone.left(isFull);
    this.#inside -= 1;
    while (this.#inside < this.#room && this.#waiting.length > 0) {
      this.#inside += 1;
      this.#waiting.shift()?.enter();
    }
  }

  #busy(): LicetError {
    this.#sentAway += 1;
    this.#paceAlone.left(true, COST_OF_REFUSAL);
    const now = this.#elapsedMs();
    const served = now + Math.min(this.#waiting.length, this.#mayWait) * this.#pace.eachMs;
    const next = Math.max(this.#promisedUntil, served) + this.#paceAlone.eachMs;
    this.#promisedUntil = Math.min(next, now + RETRY_AFTER.most * 1000);
    const message =
      'More is asked at this moment than can be served; ask again later: those with little time go first.';
    // Half of it, because the answer asks for up to twice as much.
    const retryAfterSeconds = Math.max(RETRY_AFTER.least, (this.#promisedUntil - now) / 2000);
    return new LicetError('unavailable', 'BUSY', message, { retryAfterSeconds });
  }
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

const clamp = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value));
