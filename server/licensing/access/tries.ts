import { createHash } from 'node:crypto';
import { LicetError } from '../errors.ts';
import type { Principal } from '../model/principal.ts';
import type { AccessDeps } from './ports.ts';
import type { Rate } from './rate.ts';
import { record } from './record.ts';

/** `unless`: not counted at a place that is remembered under this key. */
export type Try = { readonly key: string; readonly rate: Rate; readonly unless?: string };

/** No name and no address stands in the table of tries. */
export const tryKey = (...parts: string[]): string => createHash('sha256').update(JSON.stringify(parts)).digest('hex');

/** Counts a try before it is made; rejects with SIGN_IN_THROTTLED, or when it cannot be counted. Where it was counted. */
export async function takeTry(deps: AccessDeps, tries: readonly Try[]): Promise<readonly string[]> {
  const { throttles } = deps.stores;
  const at = deps.clock.now();
  const counted: string[] = [];
  const wait = await deps.transactions
    .run('platform', async (tx) => {
      counted.length = 0;
      for (const { key, rate, unless } of tries) {
        if (unless !== undefined && (await throttles.remembers(tx, unless, at))) continue;
        const seconds = await throttles.take(tx, key, rate, at);
        if (seconds > 0) return seconds;
        counted.push(key);
      }
      return 0;
    })
    .catch((cause: unknown) => {
      const message = 'Sign-ins cannot be counted at this moment, so none is let in; try again soon.';
      throw new LicetError('unavailable', 'SIGN_IN_UNAVAILABLE', message, { retryAfterSeconds: 5, cause });
    });
  if (wait === 0) return counted;
  const message = `There were too many tries; wait ${wait} seconds before the next one.`;
  throw new LicetError('too-many', 'SIGN_IN_THROTTLED', message, { retryAfterSeconds: wait });
}

/** How long a place is remembered: somebody on leave comes back to it. */
const PLACE_MS = 30 * 24 * 60 * 60 * 1000;

/** They led to something. `place`: to be remembered, for what says `unless`. */
export async function forgetTries(
  { transactions, stores, clock }: AccessDeps,
  keys: readonly string[],
  place?: string,
): Promise<void> {
  await transactions.run('platform', async (tx) => {
    for (const key of keys) await stores.throttles.clear(tx, key);
    if (place === undefined) return;
    await stores.throttles.remember(tx, place, new Date(clock.now().getTime() + PLACE_MS));
  });
}

const SELF_RATE: Rate = { burst: 5, everySeconds: 30 };
const WRONG: readonly string[] = ['CODE_WRONG', 'PASSWORD_WRONG'];

/**
 * Work that begins with a secret of who is signed in: whoever has got hold of the session could otherwise try codes and
 * passwords without end. Wrong ones are in the audit log.
 */
export async function asTry<T>(deps: AccessDeps, { id, organization }: Principal, work: () => Promise<T>): Promise<T> {
  const key = tryKey('self', organization, id);
  await takeTry(deps, [{ key, rate: SELF_RATE }]);
  try {
    const result = await work();
    await forgetTries(deps, [key]);
    return result;
  } catch (error) {
    if (error instanceof LicetError && WRONG.includes(error.code)) {
      const happening = { actor: id, action: 'self.refused', subject: id, details: { code: error.code } };
      await deps.transactions.run({ organization }, (tx) => record(tx, deps, organization, happening));
    }
    throw error;
  }
}
