export type Pace = {
  readonly perSecond: number;
  /** Between one that leaves and the next. */
  readonly eachMs: number;
  /** One is done; `isFull`: others wait for its place. */
  left(isFull: boolean): void;
};

/** Until it is measured: of a small machine. */
const FIRST_GUESS = 500;
const WINDOW_MS = 250;
const SLOWEST = 1;

/** How many are served in a second when there is no lack of them: it shows only while somebody waits. */
export function createPace(elapsedMs: () => number): Pace {
  let perSecond = FIRST_GUESS;
  let since: number | undefined;
  let left = 0;
  return {
    get perSecond() {
      return perSecond;
    },
    get eachMs() {
      return 1000 / perSecond;
    },
    left(isFull) {
      if (!isFull) {
        since = undefined;
        return;
      }
      const now = elapsedMs();
      if (since === undefined) {
        [since, left] = [now, 0];
        return;
      }
      left += 1;
      const ms = now - since;
      if (ms < WINDOW_MS) return;
      // Half of the new to half of the old: one window can be a collection of garbage, or a batch that came whole.
      perSecond = Math.max(SLOWEST, (perSecond + (left * 1000) / ms) / 2);
      [since, left] = [now, 0];
    },
  };
}
