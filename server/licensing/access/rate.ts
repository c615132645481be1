/** So many at once, and after that one every so many seconds. */
export type Rate = { readonly burst: number; readonly everySeconds: number };

export type Taken = {
  /** What to remember: when the bucket will be full again. */
  readonly arrival: number;
  /** Milliseconds to wait; 0: granted. */
  readonly wait: number;
};

/**
 * The generic cell rate algorithm: a token bucket that remembers one instant. `arrival` is the theoretical arrival time,
 * in milliseconds; undefined for who was never seen. What is refused costs nothing. One that is further off than after a
 * whole burst is from a clock that was ahead.
 */
export function take({ burst, everySeconds }: Rate, arrival: number | undefined, now: number): Taken {
  const cost = everySeconds * 1000;
  const full = Math.min(Math.max(arrival ?? now, now), now + burst * cost);
  const next = full + cost;
  const wait = next - now - burst * cost;
  return wait > 0 ? { arrival: full, wait } : { arrival: next, wait: 0 };
}
