import { Duplex } from 'node:stream';

import type { Engine } from './engine.ts';

/** A message of the simple query protocol. */
function simpleQuery(text: string): Buffer {
  const message = Buffer.from(`Q\0\0\0\0${text}\0`);
  message.writeUInt32BE(message.length - 1, 1);
  return message;
}

const RESET = simpleQuery('rollback; discard all');

export type Patience = {
  /** How long a holder may keep the session without saying anything. */
  idleMs: number;
  /** How long the engine may take for an answer. It cannot be interrupted, so beyond this it is restarted. */
  answerMs: number;
};

/**
 * What `pg` takes for a socket: whole messages to the engine, its answers back. Because the real `pg` speaks over it,
 * types, errors and prepared statements are the same on both hosts. The engine has one session for ever, so each new
 * "connection" begins by wiping what the one before left behind.
 */
export class SessionStream extends Duplex {
  readonly #open: () => Promise<Engine>;
  readonly #patience: Patience;
  #send: ((bytes: Buffer) => void) | undefined;
  #held = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(open: () => Promise<Engine>, patience: Patience) {
    super();
    this.#open = open;
    this.#patience = patience;
  }

  /** Somebody has taken the session, or given it back. */
  hold(held: boolean): void {
    this.#held = held;
    if (held) this.#expectHolder();
    else clearTimeout(this.#timer);
  }

  // What pg calls on a socket.
  connect(): this {
    this.#open().then(
      (engine) => this.#begin(engine),
      (error: Error) => this.destroy(error),
    );
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }

  #begin(engine: Engine): void {
    if (this.destroyed) return;
    void engine.ended.then((reason) => this.destroy(reason));
    let wiped = false;
    let asked = 0;
    const send = engine.converse((answer) => {
      clearTimeout(this.#timer);
      if (this.destroyed) return;
      asked -= 1;
      if (!wiped) {
        wiped = true;
        this.emit('connect');
      } else if (answer.length > 0) {
        this.push(answer);
      }
      if (asked > 0) this.#expectAnswer(engine);
      else if (this.#held) this.#expectHolder();
    });
    this.#send = (bytes) => {
      asked += 1;
      this.#expectAnswer(engine);
      send(bytes);
    };
    this.#send(RESET);
  }

  #expectHolder(): void {
    const { idleMs } = this.#patience;
    this.#wait(idleMs, () => {
      const message = `The session of the embedded database was kept for ${idleMs} ms without a statement and was taken back.`;
      this.destroy(new SessionError('25P03', message)); // idle_in_transaction_session_timeout
    });
  }

  #expectAnswer(engine: Engine): void {
    const { answerMs } = this.#patience;
    this.#wait(answerMs, () => {
      this.destroy(
        new SessionError('57014', `A statement ran for ${answerMs} ms; the embedded database was restarted.`),
      );
      void engine.terminate();
    });
  }

  #wait(ms: number, then: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(then, ms).unref();
  }

  override _read(): void {
    // The engine pushes; there is nothing to ask for.
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#send?.(chunk);
    done();
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.#send?.(Buffer.concat(chunks.map(({ chunk }) => chunk)));
    done();
  }

  override _final(done: () => void): void {
    done();
    this.push(null);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearTimeout(this.#timer);
    done(error);
  }
}

/** With the SQLSTATE that PostgreSQL gives for the same thing. */
class SessionError extends Error {
  override readonly name = 'SessionError';
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
