/**
 * The first pause, and the longest: after an outage of the authority all sites together must not become the next one, and
 * all are to be well again ten minutes after it.
 */
export const BACKOFF = { firstSeconds: 5, mostSeconds: 480 } as const;

/**
 * Full jitter: anything between nothing and twice as much as the time before. What the server asked for is kept, and
 * spread over as much again, so that those who were sent away together do not come back together.
 */
export function pauseSeconds(failures: number, chance: number, retryAfterSeconds?: number): number {
  const ceiling = Math.min(BACKOFF.mostSeconds, BACKOFF.firstSeconds * 2 ** Math.min(failures, 20));
  if (retryAfterSeconds === undefined) return Math.max(1, ceiling * chance);
  return retryAfterSeconds + Math.max(1, Math.min(retryAfterSeconds, BACKOFF.mostSeconds)) * chance;
}

/** Evidence and advice are asked for this often, and this often while something is missing; spread by as much again. */
export const ASKING = { everySeconds: 6 * 3600, missingSeconds: 600 } as const;

/** `isMissing`: nobody answered, the license is suspended, or the CA above it is revoked and there is no other yet. */
export function askingSeconds(isMissing: boolean, chance: number, retryAfterSeconds: number | undefined): number {
  const { everySeconds, missingSeconds } = ASKING;
  return (isMissing ? missingSeconds : Math.min(retryAfterSeconds ?? everySeconds, everySeconds)) * (1 + chance);
}
