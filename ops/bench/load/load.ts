import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Identity, Order, Over, Report } from './load-process.ts';

export type { Answer, Identity, Over, Report } from './load-process.ts';

/** The process that makes the load, seen from the benchmark. */
export class Load {
  readonly #child: ChildProcess;
  readonly #port: number;
  readonly #gone: Promise<never>;

  constructor(port: number) {
    this.#port = port;
    // Bytes as bytes: as JSON they would be ten times as long.
    this.#child = fork(join(import.meta.dirname, 'load-process.ts'), { serialization: 'advanced' });
    this.#gone = once(this.#child, 'exit').then(() => {
      throw new Error('the process that makes the load has ended');
    });
    this.#gone.catch(() => undefined);
  }

  async open(connections: readonly Identity[]): Promise<void> {
    await this.#tell({ type: 'open', port: this.#port, connections });
  }

  async send(requests: readonly Uint8Array[], clients: number, over: Over = 'any'): Promise<Report> {
    return (await this.#tell({ type: 'send', requests, clients, over })) as Report;
  }

  async close(): Promise<void> {
    await this.#tell({ type: 'close' });
    this.#child.disconnect();
    await this.#gone.catch(() => undefined);
  }

  async #tell(order: Order): Promise<object> {
    this.#child.send(order);
    const [answer] = (await Promise.race([once(this.#child, 'message'), this.#gone])) as [
      object & { readonly error?: string },
    ];
    if (answer.error !== undefined) throw new Error(`the load: ${answer.error}`);
    return answer;
  }
}
