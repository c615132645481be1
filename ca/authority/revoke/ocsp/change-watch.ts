import type { Clock } from '../../ports/clock.ts';
import type { RevocationStore } from '../../ports/revocation-store.ts';
import type { AnswerCache } from './cache.ts';

type Deps = {
  readonly store: Pick<RevocationStore, 'lastChange' | 'changedSince'>;
  readonly clock: Clock;
  readonly report: (error: unknown) => void;
};

/** Beyond, it is cheaper to begin anew. */
const MOST_CHANGES = 10_000;
/** How long a request waits for the database before it is answered with what is at hand. */
const PATIENCE_MS = 300;

/**
 * Keeps the cache true to what other processes revoke: before a cached answer is given, the number of the last change is
 * compared, at most every `trustMs`, and the answers about what changed since are dropped. Nothing runs while nobody
 * asks. While the database is away the cache stands: its answers are signed and true until their nextUpdate.
 */
export class ChangeWatch {
  readonly #deps: Deps;
  readonly #cache: AnswerCache;
  readonly #trustMs: number;
  #seen: bigint | undefined;
  #lookedAt = -Infinity;
  #looking: Promise<void> | undefined;
  /** Counts what makes an answer that is under way too old to be kept. */
  #moves = 0;

  constructor(deps: Deps, cache: AnswerCache, trustMs: number) {
    this.#deps = deps;
    this.#cache = cache;
    this.#trustMs = trustMs;
  }

  isFresh(now: number): boolean {
    return Math.abs(now - this.#lookedAt) < this.#trustMs;
  }

  /** Never rejects, and never takes long. */
  async catchUp(): Promise<void> {
    if (this.isFresh(this.#deps.clock.now().getTime())) return;
    this.#looking ??= this.#look().finally(() => (this.#looking = undefined));
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, PATIENCE_MS);
    });
    await Promise.race([this.#looking, patience]);
    clearTimeout(timer);
  }

  changedHere(): void {
    this.#moves += 1;
  }

  mark(): number {
    return this.#moves;
  }

  /** Also while nothing is known yet: then nothing may be kept. */
  hasMoved(mark: number): boolean {
    return this.#seen === undefined || this.#moves !== mark;
  }

  async #look(): Promise<void> {
    const { store, clock, report } = this.#deps;
    const askedAt = clock.now().getTime();
    try {
      const last = await store.lastChange();
      if (last !== this.#seen) await this.#follow(last);
    } catch (error) {
      report(error);
    }
    this.#lookedAt = askedAt;
  }

  async #follow(last: bigint): Promise<void> {
    const seen = this.#seen;
    // Lower than before: the database is another one than it was.
    const isForward = seen !== undefined && seen < last;
    const changed = isForward ? await this.#deps.store.changedSince(seen, MOST_CHANGES) : undefined;
    this.#moves += 1;
    if (changed === undefined) this.#cache.clear();
    else this.#cache.forget(changed);
    this.#seen = last;
  }
}
