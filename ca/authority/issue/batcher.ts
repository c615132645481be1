import { AuthorityError } from '../errors.ts';

/** The result of one item: its batch mates neither see nor share its failure. */
export type Outcome<T> = { readonly value: T } | { readonly error: unknown };

export const outcomeOf = <T>(promise: Promise<T>): Promise<Outcome<T>> =>
  promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );

export type BatcherOptions<In, Out> = {
  /** For messages: what is being waited for. */
  readonly name: string;
  /** One outcome per item, in order. A rejection is the failure of all. */
  work(items: readonly In[]): Promise<readonly Outcome<Out>[]>;
  /** Items of one batch at most. */
  readonly batch: number;
  /** Items that may wait; beyond, callers are sent away at once instead of being made to wait for nothing. */
  readonly queue: number;
  /** Batches under way at a time. */
  readonly lanes: number;
};

export type Batcher<In, Out> = { submit(item: In): Promise<Out>; readonly waiting: number };

type Waiting<In, Out> = { readonly item: In; resolve(value: Out): void; reject(error: unknown): void };

/**
 * Group commit: an item that finds a free lane starts at once with whatever else arrived in this turn of the event
 * loop; what arrives while all lanes are busy forms the next batch. So one caller sees the latency of one, and a
 * stampede gets the throughput of the disk, with no timer in between.
 */
export function createBatcher<In, Out>(options: BatcherOptions<In, Out>): Batcher<In, Out> {
  const queue: Waiting<In, Out>[] = [];
  let busy = 0;
  let scheduled = false;

  async function run(batch: readonly Waiting<In, Out>[]): Promise<void> {
    try {
      const outcomes = await options.work(batch.map(({ item }) => item));
      if (outcomes.length !== batch.length) {
        throw new Error(`${options.name}: ${outcomes.length} outcomes for ${batch.length} items`);
      }
      batch.forEach((waiting, i) => settle(waiting, outcomes[i]!));
    } catch (error) {
      for (const waiting of batch) waiting.reject(error);
    } finally {
      busy -= 1;
      start();
    }
  }

  function start(): void {
    scheduled = false;
    while (busy < options.lanes && queue.length > 0) {
      busy += 1;
      void run(queue.splice(0, options.batch));
    }
  }

  return {
    submit(item) {
      if (queue.length >= options.queue) {
        return Promise.reject(
          new AuthorityError('BUSY', `${options.queue} requests already wait for ${options.name}; ask again later.`),
        );
      }
      return new Promise((resolve, reject) => {
        queue.push({ item, resolve, reject });
        if (scheduled || busy >= options.lanes) return;
        scheduled = true;
        setImmediate(start);
      });
    },
    get waiting() {
      return queue.length;
    },
  };
}

function settle<In, Out>(waiting: Waiting<In, Out>, outcome: Outcome<Out>): void {
  if ('value' in outcome) waiting.resolve(outcome.value);
  else waiting.reject(outcome.error);
}
