import { keyFingerprint } from './by-hand.ts';
import { enrol } from './enrol.ts';
import { AgentError, type AgentCode } from './errors.ts';
import type { Kit } from './kit.ts';
import type { Site } from './site.ts';

export type Waiting = {
  now(): Date;
  pause(seconds: number): Promise<void>;
  tell(message: string): void;
};

const WAITED_FOR: ReadonlySet<AgentCode> = new Set(['PENDING', 'UNAVAILABLE']);
const ASK_AGAIN_SECONDS = 60;
/** Longer than a person usually takes, and then the next try is a person's too. */
const LONGEST_WAIT_SECONDS = 600;

/**
 * Enrols, and asks again until somebody has decided about it. That may take days, in which the authority is away now and
 * then; who is not waiting yet hears that at once.
 */
export async function enrolWhenApproved(site: Site, kit: Kit, waiting: Waiting): Promise<void> {
  for (let isWaiting = false; ;) {
    try {
      return await enrol(site, kit, () => waiting.now());
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      isWaiting ||= error.code === 'PENDING';
      if (!isWaiting || !WAITED_FOR.has(error.code)) throw error;
      waiting.tell(error.code === 'PENDING' ? `${error.message}${await keyOf(site)}` : error.message);
      await waiting.pause(Math.min(LONGEST_WAIT_SECONDS, error.retryAfterSeconds ?? ASK_AGAIN_SECONDS));
    }
  }
}

/** What somebody compares who approves it. */
export async function keyOf({ store }: Site): Promise<string> {
  const pending = await store.pending();
  return pending === undefined ? '' : ` The key of this request is ${keyFingerprint(pending)}.`;
}
