import { pauseSeconds } from '@licet/agent';
import { seededChance } from './seeded-chance.ts';

export type StampedeResult = {
  /** From the first request until the last site had its license. */
  readonly lastSeconds: number;
  readonly mostAttempts: number;
  readonly refusals: number;
};

type Attempt = { at: number; failures: number };

/**
 * Many agents ask within one second; the server answers so many a second and sends the others away with 503 and a
 * Retry-After of `askedSeconds` to twice that, which is coarser than what ours says. The pauses are those of the agent's
 * own code.
 */
export function stampede(agents: number, perSecond: number, askedSeconds: number): StampedeResult {
  const chance = seededChance(11);
  let waiting: Attempt[] = Array.from({ length: agents }, () => ({ at: chance(), failures: 0 }));
  const result = { lastSeconds: 0, mostAttempts: 0, refusals: 0 };
  for (let second = 0; waiting.length > 0; second++) {
    const due = waiting.filter(({ at }) => at < second + 1).sort((one, other) => one.at - other.at);
    const later = waiting.filter(({ at }) => at >= second + 1);
    for (const { failures } of due.slice(0, perSecond)) {
      result.lastSeconds = second + 1;
      result.mostAttempts = Math.max(result.mostAttempts, failures + 1);
    }
    const refused = due.slice(perSecond);
    result.refusals += refused.length;
    for (const one of refused) {
      const asked = Math.ceil(askedSeconds * (1 + chance()));
      one.at += pauseSeconds(one.failures, chance(), asked);
      one.failures += 1;
    }
    waiting = [...later, ...refused];
  }
  return result;
}
