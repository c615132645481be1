export type Pace = {
  readonly perSecond: number;
  /** Between one that leaves and the next. */
  readonly eachMs: number;
  /** One is done, or a `share` of what one costs; `isFull`: more of them at a time would make none faster. */
  left(isFull: boolean, share?: number): void;
};

/** Until it is measured, which takes a quarter of a second: what also a small machine can that has just been started. */
const FIRST_GUESS = 64;
const WINDOW_MS = 250;
/** Fewer are chance, and over a longer time no stream: requests that are slow by themselves say nothing of others. */
const FEWEST = 4;
const LONGEST_WINDOW_MS = 2000;

/** How many are served in a second when there is no lack of them: it shows only while there is no room for more. */
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
    left(isFull, share = 1) {
      const now = elapsedMs();
      if (!isFull) {
        since = undefined;
        return;
      }
      if (since === undefined || now - since > LONGEST_WINDOW_MS) {
        [since, left] = [now, 0];
        return;
      }
      left += share;
      const ms = now - since;
      if (ms < WINDOW_MS || left < FEWEST) return;
      // Half of the new to half of the old: one window can be a collection of garbage, or a batch that came whole.
      perSecond = (perSecond + (left * 1000) / ms) / 2;
      [since, left] = [now, 0];
    },
  };
}
