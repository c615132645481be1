/** Nobody waits longer, whatever was asked: a time further ahead was set by a clock that was wrong. */
export const LONGEST_WAIT_SECONDS = 86_400;
/** Between a renewal and the next, and up to a day where that is due at once again and again. */
const SHORTEST_REST_SECONDS = 3600;

export function isToWaitFor(time: Date, now: Date): boolean {
  const ahead = time.getTime() - now.getTime();
  return ahead > 0 && ahead <= LONGEST_WAIT_SECONDS * 1000;
}

/**
 * How soon the next renewal may be tried, however due it is. After a success there is a rest: shortly before a contract
 * ends, half of the life of a new license is over when it is issued, and to a clock that is ahead each new license is old.
 * Such a site would renew every second.
 */
export class Pace {
  #failures = 0;
  #notBefore = new Date(0);
  /** Of the success that was last; 0 after a failure. */
  #restSeconds = 0;

  /** Since the last success. */
  get failures(): number {
    return this.#failures;
  }

  get notBefore(): Date {
    return this.#notBefore;
  }

  isResting(now: Date): boolean {
    return this.#restSeconds > 0 && isToWaitFor(this.#notBefore, now);
  }

  failed(now: Date, pauseSeconds: number): void {
    this.#failures += 1;
    this.#restSeconds = 0;
    this.#pause(now, pauseSeconds);
  }

  /** `due`: since when the renewal was. */
  succeeded(now: Date, due: Date): void {
    const hasWaited = this.#restSeconds > 0 && due <= this.#notBefore;
    this.#restSeconds = hasWaited ? Math.min(LONGEST_WAIT_SECONDS, 2 * this.#restSeconds) : SHORTEST_REST_SECONDS;
    this.#failures = 0;
    this.#pause(now, this.#restSeconds);
  }

  #pause(now: Date, seconds: number): void {
    this.#notBefore = new Date(now.getTime() + 1000 * seconds);
  }
}
