import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { LoopDelay } from '../metrics/metrics.ts';

export type Liveness = {
  state(): { readonly isAlive: boolean; readonly delayMs: number };
  /** Of the last whole window, in seconds. */
  delay(): LoopDelay;
  stop(): void;
};

const WINDOW_MS = 10_000;
const RESOLUTION_MS = 20;
/** The mean of a whole window: one long stall is no reason to be restarted, an event loop that is never free is. */
const LONGEST_MEAN_MS = 1000;

/**
 * Looks at the event loop and at nothing else. A restart cures a stuck process; it cures no database, and restarting all
 * servers because the database is away would make things worse (that is what readiness is for).
 */
export function createLiveness({ windowMs = WINDOW_MS, longestMeanMs = LONGEST_MEAN_MS } = {}): Liveness {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  let meanMs = 0;
  let last: LoopDelay = { p50: 0, p99: 0, max: 0 };
  // The histogram counts from timer to timer, so an idle loop shows the resolution itself; what is beyond it is delay.
  const beyond = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
  const turn = setInterval(() => {
    meanMs = histogram.count === 0 ? 0 : beyond(histogram.mean);
    const seconds = (nanoseconds: number) => beyond(nanoseconds) / 1000;
    last = {
      p50: seconds(histogram.percentile(50)),
      p99: seconds(histogram.percentile(99)),
      max: seconds(histogram.max),
    };
    histogram.reset();
  }, windowMs).unref();
  return {
    state: () => ({ isAlive: meanMs < longestMeanMs, delayMs: Math.round(meanMs) }),
    delay: () => last,
    stop() {
      clearInterval(turn);
      histogram.disable();
    },
  };
}
