import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { CrlDraft, type CrlHead, type Judgement } from './draft.ts';

/** Where one CRL after the other is made. */
export interface CrlBench {
  begin(head: CrlHead): Promise<void>;
  add(packed: Uint8Array): Promise<void>;
  finish(): Promise<Uint8Array>;
  /** One part of the CRL in force, in order. */
  addPrevious(part: Uint8Array): Promise<void>;
  judge(tbs: Uint8Array, signature: Uint8Array): Promise<Judgement>;
  close(): Promise<void>;
}

/** A call of the bench as it goes to the thread. */
export type BenchCall =
  | { readonly call: 'begin'; readonly head: CrlHead }
  | { readonly call: 'add' | 'addPrevious'; readonly bytes: Uint8Array }
  | { readonly call: 'finish' }
  | { readonly call: 'judge'; readonly tbs: Uint8Array; readonly signature: Uint8Array };
export type BenchAnswer = { readonly result: unknown } | { readonly error: Error };

/** The work itself, in whichever thread. */
export class CrlWork {
  #draft: CrlDraft | undefined;
  #previous: Uint8Array[] = [];

  run(call: BenchCall): unknown {
    switch (call.call) {
      case 'begin':
        this.#previous = [];
        this.#draft = new CrlDraft(call.head);
        return undefined;
      case 'add':
        return this.#draft!.add(call.bytes);
      case 'addPrevious':
        this.#previous.push(call.bytes);
        return undefined;
      case 'finish':
        return this.#draft!.finish();
      case 'judge': {
        return this.#draft!.judge(call.tbs, call.signature, joined(this.#previous.splice(0)));
      }
      default:
        throw new TypeError(`A CRL bench does not know the call ${String(call satisfies never)}.`);
    }
  }
}

/** In a function of its own, so that the parts can be freed while the whole is read: each is 40 MB for a million. */
function joined(parts: readonly Uint8Array[]): Uint8Array | undefined {
  return parts.length === 0 ? undefined : Buffer.concat(parts);
}

type Run = (call: BenchCall) => Promise<unknown>;

function benchOf(run: Run, close: () => Promise<void>): CrlBench {
  return {
    begin: async (head) => void (await run({ call: 'begin', head })),
    add: async (bytes) => void (await run({ call: 'add', bytes })),
    addPrevious: async (bytes) => void (await run({ call: 'addPrevious', bytes })),
    finish: async () => (await run({ call: 'finish' })) as Uint8Array,
    judge: async (tbs, signature) => (await run({ call: 'judge', tbs, signature })) as Judgement,
    close,
  };
}

/** In this thread: for CRLs so short that a thread would take longer to start. */
export function openLocalBench(): CrlBench {
  const work = new CrlWork();
  return benchOf(
    async (call) => work.run(call),
    async () => {},
  );
}

/** In a thread of its own, so that requests are answered while a million entries are written, read and compared. */
export function openThreadBench(): CrlBench {
  const worker = new Worker(new URL('thread.ts', import.meta.url));
  const run: Run = async (call) => {
    const answer = once(worker, 'message') as Promise<[BenchAnswer]>;
    worker.postMessage(call, transferable(call));
    const [received] = await answer;
    if ('error' in received) throw received.error;
    return received.result;
  };
  return benchOf(run, async () => void (await worker.terminate()));
}

/** Bytes are handed over and not copied. A view into a larger buffer must not take that along. */
function transferable(call: BenchCall): ArrayBuffer[] {
  const all = call.call === 'judge' ? [call.tbs] : 'bytes' in call ? [call.bytes] : [];
  return all.flatMap(({ buffer, byteLength }) =>
    buffer instanceof ArrayBuffer && byteLength >= LARGE && byteLength * 2 > buffer.byteLength ? [buffer] : [],
  );
}

/** Small views may lie in Node's shared pool of buffers. */
const LARGE = 65_536;
