import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

/** Looks when a server says that it is ready, by a thread of its own: this one may be busy being its clients. */
export class Lookout {
  readonly #worker: Worker;
  readonly #moments: number[] = [];

  constructor(address: string) {
    this.#worker = new Worker(join(import.meta.dirname, 'lookout-thread.ts'), { workerData: address });
    this.#worker.on('message', (moment: number) => this.#moments.push(moment));
  }

  /** Milliseconds until it becomes ready, which it is not while `begin` begins. What was seen earlier may be told late. */
  async until(begin: () => Promise<unknown>): Promise<number> {
    const began = performance.timeOrigin + performance.now();
    await begin();
    for (;;) {
      const moment = this.#moments.find((one) => one > began);
      if (moment !== undefined) return moment - began;
      await once(this.#worker, 'message');
    }
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}
