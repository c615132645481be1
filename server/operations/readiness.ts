/**
 * Something without which requests would fail. Rejects with an error whose message may be shown to operators; resolves
 * to a sentence where all is well and somebody has to do something soon.
 */
export type ReadinessCheck = {
  readonly name: string;
  check(signal: AbortSignal): Promise<string | undefined | void>;
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
  const stop = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new Error(`no answer within ${timeoutMs} ms`);
      stop.abort(error);
      reject(error);
    }, timeoutMs);
  });
  try {
    const detail = await Promise.race([one.check(stop.signal), late]);
    return { name, ok: true, ms: ms(), ...(typeof detail === 'string' && { detail }) };
  } catch (error) {
    return { name, ok: false, ms: ms(), detail: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}
