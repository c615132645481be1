import { LicetError } from '../licensing/errors.ts';

/**
 * Something without which requests would fail. Rejects with an error whose message may be shown to operators; resolves
 * to a sentence where all is well and somebody has to do something soon.
 */
export type ReadinessCheck = {
  readonly name: string;
  check(signal: AbortSignal): Promise<string | undefined | void>;
  /**
   * Grows with whatever it does for others: a check that only waits behind those is no failure. To take a busy server out
   * of the balancer sends its work to the next one.
   */
  progress?(): number;
};

export type CheckResult = {
  readonly name: string;
  readonly ok: boolean;
  readonly ms: number;
  readonly detail?: string;
};

export type ReadinessState = {
  readonly isReady: boolean;
  /** Why not, when it is not because of a check. */
  readonly reason?: string;
  readonly checks: readonly CheckResult[];
};

export type Readiness = {
  state(): Promise<ReadinessState>;
  /** From now on not ready, whatever the checks say. */
  close(reason: string): void;
};

/** Several probes and a scrape in the same second are answered by one round of checks. */
const CACHE_MS = 1000;
/** In how many steps a time limit is counted. */
const STEPS = 10;

export function createReadiness(checks: readonly ReadinessCheck[], timeoutMs: number): Readiness {
  let closed: string | undefined;
  let last: { readonly at: number; readonly round: Promise<readonly CheckResult[]> } | undefined;
  const closedWith = (checks: readonly CheckResult[]): ReadinessState | undefined =>
    closed === undefined ? undefined : { isReady: false, reason: closed, checks };
  return {
    async state() {
      const early = closedWith([]);
      if (early !== undefined) return early;
      if (last === undefined || performance.now() - last.at > CACHE_MS) {
        last = { at: performance.now(), round: Promise.all(checks.map((check) => runOne(check, timeoutMs))) };
      }
      const results = await last.round;
      // Closed while the checks ran: the answer must not be the last "ready" that a balancer believes.
      return closedWith(results) ?? { isReady: results.every((result) => result.ok), checks: results };
    },
    close(reason) {
      closed = reason;
    },
  };
}

async function runOne(one: ReadinessCheck, timeoutMs: number): Promise<CheckResult> {
  const { name } = one;
  const started = performance.now();
  const ms = () => Math.round(performance.now() - started);
  const before = one.progress?.();
  const servesOthers = () => one.progress?.() !== before;
  const stop = new AbortController();
  const { promise: late, reject } = Promise.withResolvers<never>();
  const forget = afterOwn(timeoutMs, servesOthers, () => {
    const error = new Late(`no answer within ${timeoutMs} ms`);
    stop.abort(error);
    reject(error);
  });
  try {
    const detail = await Promise.race([one.check(stop.signal), late]);
    return { name, ok: true, ms: ms(), ...(typeof detail === 'string' && { detail }) };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    const isBusy = mayBeBusy(error) && servesOthers();
    return { name, ok: isBusy, ms: ms(), detail: isBusy ? `busy, and serving others: ${detail}` : detail };
  } finally {
    forget();
  }
}

/** While this thread is busy the answer may have come, and nobody has looked: it is waited on, unless `isKnown` already. */
function afterOwn(ms: number, isKnown: () => boolean, act: () => void): () => void {
  const started = performance.now();
  let steps = 0;
  const timer = setInterval(() => {
    steps += 1;
    if (steps === STEPS || (performance.now() - started >= ms && isKnown())) act();
  }, ms / STEPS);
  return () => clearInterval(timer);
}

class Late extends Error {}

/** What is broken says so; only who waits in vain cannot tell. */
const mayBeBusy = (error: unknown): boolean =>
  error instanceof Late || (error instanceof LicetError && error.code === 'DATABASE_BUSY');
