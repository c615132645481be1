import type { ShardId } from '../../ports/revocation-store.ts';
import { LostIssuers } from './lost-issuers.ts';
import { type CrlPublisherDeps, publishDue, publishFirst, type PublishSummary } from './publisher.ts';

export interface CrlPublisher {
  /** Something was revoked here: its CRL is published in a moment, together with what else comes until then. */
  nudge(): void;
  /** Publishes what is due; waits for a run that is under way and then looks anew. */
  run(signal?: AbortSignal): Promise<PublishSummary>;
  /**
   * Makes the list of a shard that has none yet; side by side with a run, which may be long. What fails is reported and
   * thrown.
   */
  first(shard: ShardId): Promise<void>;
  /** Ends after the shard that is being published. */
  stop(): Promise<void>;
}

export type PublishingOptions = {
  /** From the first nudge to the publication. */
  readonly debounceMs?: number;
};

const DEBOUNCE_MS = 500;
/** A run that failed, or found others at work, is tried again after a pause, and then left to the schedule. */
const RETRIES = 5;
const RETRY_MS = 2000;

/** One run at a time in this process; between processes each shard has its own hold. */
export function createCrlPublisher(deps: CrlPublisherDeps, options: PublishingOptions = {}): CrlPublisher {
  return new NudgedPublisher(deps, options.debounceMs ?? DEBOUNCE_MS);
}

class NudgedPublisher implements CrlPublisher {
  readonly #deps: CrlPublisherDeps;
  readonly #debounceMs: number;
  readonly #stopping = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<unknown> = Promise.resolve();

  constructor(deps: CrlPublisherDeps, debounceMs: number) {
    this.#deps = { ...deps, lostIssuers: new LostIssuers() };
    this.#debounceMs = debounceMs;
  }

  nudge(): void {
    this.#schedule(this.#debounceMs, RETRIES);
  }

  run(signal?: AbortSignal): Promise<PublishSummary> {
    const signals = [this.#stopping.signal, ...(signal === undefined ? [] : [signal])];
    const next = this.#running.then(() => publishDue(this.#deps, AbortSignal.any(signals)));
    this.#running = next.catch(() => undefined);
    return next;
  }

  first(shard: ShardId): Promise<void> {
    return publishFirst(this.#deps, shard);
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#stopping.abort(new Error('the server stops'));
    await this.#running;
  }

  #schedule(ms: number, retries: number): void {
    if (this.#timer !== undefined || this.#stopping.signal.aborted) return;
    this.#timer = setTimeout(() => void this.#fire(retries), ms);
  }

  /** What fails is reported shard by shard; what fails as a whole (the database is away) is so here. */
  async #fire(retries: number): Promise<void> {
    this.#timer = undefined;
    let again: boolean;
    try {
      const { refused, busy } = await this.run();
      again = refused + busy > 0;
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      this.#deps.report({ kind: 'refused', shard: undefined, error });
      again = true;
    }
    if (again && retries > 0) this.#schedule(RETRY_MS, retries - 1);
  }
}
