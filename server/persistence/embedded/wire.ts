import type { PGlite } from '@electric-sql/pglite';

type Module = PGlite['Module'];

// pglitec.c POSTGRES_MAIN_LONGJMP: how an ordinary SQL error leaves the main loop.
const LONGJMP = 100;
const STARTUP = 0; // the only message without a type byte: it begins with its length, below 2^24
const TERMINATE = 'X'.charCodeAt(0);

/**
 * PostgreSQL's wire protocol, spoken with the engine directly: bytes of whole messages in, bytes of the answers out.
 * PGlite's own `execProtocolRaw` parses every answer twice and, when the engine dies of a PANIC (a full disk), calls it
 * again for ever.
 */
export class Wire {
  readonly #module: Module;
  #input: Uint8Array = new Uint8Array(0);
  #read = 0;
  #output: Uint8Array[] = [];

  constructor(pg: PGlite) {
    const module = pg.Module;
    this.#module = module;
    const read = module.addFunction((pointer: number, length: number) => {
      const chunk = this.#input.subarray(this.#read, this.#read + length);
      module.HEAPU8.set(chunk, pointer);
      this.#read += chunk.length;
      return chunk.length;
    }, 'ipi');
    const write = module.addFunction((pointer: number, length: number) => {
      this.#output.push(module.HEAPU8.slice(pointer, pointer + length));
      return length;
    }, 'ipi');
    const { _pgl_set_rw_cbs: setCallbacks } = module;
    setCallbacks(read, write);
  }

  /** Throws only when the engine is dead; an SQL error is an answer like any other. */
  exchange(messages: Buffer): Buffer {
    this.#input = messages;
    this.#read = 0;
    this.#output = [];
    if (messages[0] === TERMINATE) return Buffer.alloc(0);
    if (messages[0] === STARTUP) this.#startUp();
    else this.#serve();
    return Buffer.concat(this.#output);
  }

  #startUp(): void {
    const { _ProcessStartupPacket: process, _pgl_getMyProcPort: port, _pgl_sendConnData: greet } = this.#module;
    if (process(port(), true, true) !== 0) throw new Error('the engine refused the start-up packet');
    greet();
    this.#flush();
  }

  #serve(): void {
    const {
      _PostgresMainLoopOnce: step,
      _PostgresMainLongJmp: recover,
      _pq_buffer_remaining_data: left,
    } = this.#module;
    while (this.#read < this.#input.length || left() > 0) {
      const stack = this.#module.stackSave();
      try {
        step();
      } catch (error) {
        this.#module.stackRestore(stack);
        if ((error as { status?: number }).status !== LONGJMP) throw error;
        recover();
      }
    }
    const { _PostgresSendReadyForQueryIfNecessary: sayReady } = this.#module;
    sayReady();
    this.#flush();
  }

  #flush(): void {
    const { _pgl_pq_flush: flush } = this.#module;
    flush();
  }
}
