import type { Random } from '../licensing/ports/random.ts';

/**
 * Those who are sent away together must not come back together: between what was meant and twice that, in whole seconds,
 * since several clients read nothing else.
 */
export function spread(seconds: number, random: Random): number {
  const [high = 0, low = 0] = random.bytes(2);
  return Math.ceil(seconds * (1 + (high * 256 + low) / 65_536));
}
