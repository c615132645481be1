const READ_EVERY_MS = 10_000;

/** A scrape asks for all gauges at once, and must get an answer while the database is away: what was read last stands. */
export function remembering<T>(
  read: () => Promise<T>,
  first: T,
): () => Promise<{ readonly value: T; readonly at: number }> {
  let value = first;
  let lookedAt = -Infinity;
  let looking: Promise<void> | undefined;
  const look = async () => {
    lookedAt = performance.now();
    value = await read().catch(() => value);
  };
  return async () => {
    if (looking === undefined && performance.now() - lookedAt > READ_EVERY_MS) {
      looking = look().finally(() => (looking = undefined));
    }
    await looking;
    return { value, at: (performance.timeOrigin + performance.now()) / 1000 };
  };
}
