import { createTask, parse, validate } from 'node-cron';

import type { Clock } from '../licensing/ports/clock.ts';
import type { Job, JobDependencies } from './job.ts';
import { leaseSeconds, runSlot, takeOver } from './run.ts';

/** How far back a missed slot is looked for: a job that is due less often than this is not caught up with. */
const CATCH_UP_MINUTES = 100 * 24 * 60;
const MINUTE_MS = 60_000;
/** Every offset from UTC in use is a multiple of this, so minutes that differ within it can never be the wanted ones. */
const OFFSET_MINUTES = 15;

/** Calls `onSlot` at every slot of the job, with the planned time. What it returns is awaited by nobody. */
export type Ticker = (job: Job, onSlot: (at: Date) => void, clock: Clock) => { stop(): void };

export type Schedule = {
  /**
   * Starts nothing more and waits for what is running; after `graceMs` tells it to end, and waits for that. Resolves
   * when nothing runs any more.
   */
  stop(graceMs?: number): Promise<void>;
};

/**
 * Every server process runs this over the same table of jobs; each slot of each job is run once by one of them. Rejects
 * the table when an expression or a name is unusable.
 */
export function startSchedule(
  jobs: readonly Job[],
  deps: JobDependencies & { readonly clock: Clock; readonly ticker?: Ticker },
): Schedule {
  assertUsable(jobs);
  const running = new Set<Promise<void>>();
  const stop = new AbortController();
  let open = true;
  const track = (job: Job, work: () => Promise<void>): void => {
    if (!open) return;
    const run = work()
      .catch((err: unknown) => deps.log.error({ job: job.name, err }, 'a job could not be started'))
      .finally(() => running.delete(run));
    running.add(run);
  };
  const onSlot = (job: Job) => (at: Date) => track(job, () => runSlot(job, at, deps, stop.signal));

  const tickers = jobs.map((job) => (deps.ticker ?? minuteTicker)(job, onSlot(job), deps.clock));
  for (const job of jobs.filter((job) => job.catchUp === true)) {
    const missed = latestSlot(job, deps.clock.now());
    if (missed !== undefined) onSlot(job)(missed);
  }
  const watch = setInterval(
    () => watchOver(jobs, deps, (job) => track(job, () => takeOver(job, deps, stop.signal))),
    leaseSeconds(deps) * 500,
  );
  watch.unref();

  return {
    async stop(graceMs = 15_000) {
      open = false;
      clearInterval(watch);
      for (const ticker of tickers) ticker.stop();
      const grace = setTimeout(() => stop.abort(new Error('the server stops')), graceMs);
      while (running.size > 0) await Promise.all(running);
      clearTimeout(grace);
    },
  };
}

/** Half a lease between looks, so a crashed process is replaced within one and a half. */
function watchOver(jobs: readonly Job[], deps: JobDependencies, replace: (job: Job) => void): void {
  deps.transactions
    .run('platform', (tx) => deps.runs.unfinished(tx), { readOnly: true })
    .then((names) => jobs.filter((job) => names.includes(job.name)).forEach(replace))
    .catch((err: unknown) => deps.log.warn({ err }, 'could not look for jobs whose process ended'));
}

function assertUsable(jobs: readonly Job[]): void {
  for (const job of jobs) {
    const isByTheMinute = validate(job.cron) && job.cron.split(' ').length === 5;
    if (!isByTheMinute) throw new Error(`The job "${job.name}" has an unusable cron expression: "${job.cron}".`);
  }
  if (new Set(jobs.map((job) => job.name)).size < jobs.length) throw new Error('Two jobs have the same name.');
}

/**
 * Looks at the clock each minute, and waits for no time that it has reckoned before: after a clock that was ahead was put
 * right, that would be as far off as the clock was ahead.
 */
export const minuteTicker: Ticker = (job, onSlot, clock) => {
  let seen = minuteOf(clock.now());
  let timer: NodeJS.Timeout | undefined;
  const wait = (): void => {
    timer = setTimeout(look, MINUTE_MS - (clock.now().getTime() % MINUTE_MS)).unref();
  };
  const look = (): void => {
    const now = clock.now();
    const minute = minuteOf(now);
    // The event loop was blocked: late is better than never, and a slot that another process took is refused.
    const slot = minute === seen ? undefined : latestSlot(job, now, Math.min(seen, minute - 1));
    seen = minute;
    if (slot !== undefined) onSlot(slot);
    wait();
  };
  wait();
  return { stop: () => clearTimeout(timer) };
};

const minuteOf = (time: Date): number => Math.floor(time.getTime() / MINUTE_MS);

/** The newest slot that is over, by the minute, and later than the minute `after`. */
export function latestSlot(job: Job, now: Date, after = -Infinity): Date | undefined {
  const task = createTask(job.cron, () => undefined, { timezone: job.timezone ?? 'UTC' });
  const minutes = new Set(parse(job.cron).minute.map((minute) => minute % OFFSET_MINUTES));
  const newest = minuteOf(now);
  const last = Math.max(after, newest - CATCH_UP_MINUTES);
  let found: Date | undefined;
  for (let minute = newest; minute > last && found === undefined; minute -= 1) {
    if (!minutes.has(minute % OFFSET_MINUTES)) continue;
    const at = new Date(minute * MINUTE_MS);
    if (task.match(at)) found = at;
  }
  void task.destroy();
  return found;
}
