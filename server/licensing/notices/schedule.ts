import type { Outcome } from '../model/delivery.ts';
import type { Random } from '../ports/random.ts';

const MINUTE = 60;
const HOUR = 60 * MINUTE;

/**
 * The longest pause after each attempt; each is drawn between nothing and that (full jitter), so that those who failed
 * together do not come back together. Eleven attempts within three days, on the average.
 */
export const LONGEST_PAUSES: readonly number[] = [
  10,
  MINUTE,
  10 * MINUTE,
  HOUR,
  4 * HOUR,
  10 * HOUR,
  20 * HOUR,
  30 * HOUR,
  36 * HOUR,
  42 * HOUR,
];

/** Seconds until the next attempt, or that there is none. */
export function nextAttempt(
  attempts: number,
  { retryAfterSeconds = 0, isFinal = false }: Omit<Outcome & { result: 'failed' }, 'result' | 'answer' | 'error'>,
  random: Random,
): number | 'dead' {
  const longest = LONGEST_PAUSES[attempts - 1];
  if (isFinal || longest === undefined) return 'dead';
  const fraction = Buffer.from(random.bytes(4)).readUInt32BE() / 2 ** 32;
  return Math.max(1, longest * fraction, retryAfterSeconds);
}
