import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

import type { PgliteInput } from './pglite.ts';
import { engineProgram } from './program.ts';
import type { FromWorker, ToWorker } from './worker.ts';

export type EngineInput = PgliteInput & {
  /** Another thread around the same engine, for the tests that watch its files. */
  worker?: URL;
};

/** The worker thread in which the database runs. One conversation at a time: the pool sees to that. */
export class Engine {
  readonly #worker: Worker;
  #session = 0;
  #ending = false;
  #onAnswer: (answer: Buffer) => void = () => undefined;
  /** Settles when the thread is gone: with nothing after `close`, else with the reason. */
  readonly ended: Promise<Error | undefined>;

  /** Makes a new data directory, in a process of its own. */
  static initialize({ folder, sharedBuffersMb, fsync }: PgliteInput): Promise<void> {
    const program = fileURLToPath(new URL('initialize.ts', import.meta.url));
    const input = JSON.stringify({ folder, sharedBuffersMb, fsync } satisfies PgliteInput);
    return new Promise((resolve, reject) => {
      // It lives for seconds: code of a better compiler would not earn what it costs.
      execFile(process.execPath, ['--liftoff-only', program, input], (error, _stdout, complaint) => {
        if (error === null) resolve();
        else reject(new EngineDied(complaint || error.message));
      });
    });
  }

  /** Opens a data directory, with crash recovery if need be. */
  static async open({ worker: file, ...input }: EngineInput): Promise<Engine> {
    const worker = new Worker(file ?? new URL('worker.ts', import.meta.url), {
      workerData: { ...input, program: await engineProgram() } satisfies PgliteInput,
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb: 4 },
    });
    const exit = once(worker, 'exit').then(() => [{ died: 'its thread ended at the start' }]);
    const [message] = (await Promise.race([once(worker, 'message'), exit])) as [FromWorker];
    if (message === 'ready') return new Engine(worker);
    await worker.terminate();
    throw new EngineDied(
      typeof message === 'object' && 'died' in message ? message.died : 'it said something unexpected',
    );
  }

  private constructor(worker: Worker) {
    this.#worker = worker;
    this.ended = new Promise((resolve) => {
      let reason: Error | undefined = new EngineDied('its thread was stopped');
      worker.on('message', (message: FromWorker) => {
        if (message === 'closed') reason = undefined;
        else if (typeof message === 'object' && 'died' in message) {
          reason = new EngineDied(message.died);
          void this.terminate();
        } else if (typeof message === 'object' && message.session === this.#session)
          this.#onAnswer(Buffer.from(message.wire, 'latin1'));
      });
      worker.on('error', (error) => (reason = new EngineDied(error.message)));
      worker.on('exit', () => resolve(reason));
    });
  }

  /** Whether there is still somebody to talk to. */
  get alive(): boolean {
    return !this.#ending;
  }

  /** Begins a conversation and ends the one before: answers still on their way to that one are dropped. */
  converse(onAnswer: (answer: Buffer) => void): (wire: Buffer) => void {
    const session = ++this.#session;
    this.#onAnswer = onAnswer;
    return (wire) => this.#worker.postMessage({ session, wire: wire.toString('latin1') } satisfies ToWorker, []);
  }

  async close(): Promise<void> {
    this.#worker.postMessage('close' satisfies ToWorker, []);
    await this.ended;
  }

  /** As a crash: for an engine that does not come back from a statement. */
  async terminate(): Promise<void> {
    this.#ending = true;
    await this.#worker.terminate();
  }
}

/** The engine ended itself; the message is what PostgreSQL said last. */
export class EngineDied extends Error {
  override readonly name = 'EngineDied';
  /** disk_full, or crash_shutdown as a PostgreSQL that crashed would say. */
  get code(): string {
    return /No space left|ENOSPC|could not extend/.test(this.message) ? '53100' : '57P02';
  }
}
