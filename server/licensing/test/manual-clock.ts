import type { Clock } from '../ports/clock.ts';

/** A clock that stands still until it is told. */
export class ManualClock implements Clock {
  #now: number;

  constructor(start: Date | string = '2026-01-01T00:00:00.000Z') {
    this.#now = new Date(start).getTime();
  }

  now(): Date {
    return new Date(this.#now);
  }

  /** Backwards too, with a negative number. */
  advance(milliseconds: number): void {
    this.#now += milliseconds;
  }

  set(at: Date | string): void {
    this.#now = new Date(at).getTime();
  }
}
