import { Worker } from 'node:worker_threads';
import type { PublishedCrl } from '../../ports/revocation-store.ts';
import { CrlDraft, type CrlHead, type Judgement } from './draft.ts';

/** Where one CRL after the other is made. */
export interface CrlBench {
  begin(head: CrlHead): Promise<void>;
  add(packed: Uint8Array): Promise<void>;
  finish(): Promise<Uint8Array<ArrayBuffer>>;
  /** `tbs` as it came from `finish`; it is used up. */
  prove(tbs: Uint8Array<ArrayBuffer>, signature: Uint8Array): Promise<void>;
  /** One part of the CRL in force, in order. */
  compare(part: Uint8Array): Promise<void>;
  conclude(previous: PublishedCrl | undefined): Promise<Judgement>;
  close(): Promise<void>;
}

/** A call of the bench as it goes to the thread. */
export type BenchCall =
  | { readonly call: 'begin'; readonly head: CrlHead }
  | { readonly call: 'add' | 'compare'; readonly bytes: Uint8Array }
  | { readonly call: 'finish' }
  | { readonly call: 'prove'; readonly tbs: Uint8Array<ArrayBuffer>; readonly signature: Uint8Array }
  | { readonly call: 'conclude'; readonly previous: PublishedCrl | undefined };
export type BenchAnswer = { readonly result: unknown } | { readonly error: Error };

/** The work itself, in whichever thread. */
export class CrlWork {
  #draft: CrlDraft | undefined;

  run(call: BenchCall): unknown {
    switch (call.call) {
      case 'begin':
        this.#draft = new CrlDraft(call.head);
        return undefined;
      case 'add':
        return this.#draft!.add(call.bytes);
      case 'compare':
        return this.#draft!.compare(call.bytes);
      case 'finish':
        return this.#draft!.finish();
      case 'prove':
        return this.#draft!.prove(call.tbs, call.signature);
      case 'conclude':
        return this.#draft!.conclude(call.previous);
      default:
        throw new TypeError(`A CRL bench does not know the call ${String(call satisfies never)}.`);
    }
  }
}

type Run = (call: BenchCall) => Promise<unknown>;

function benchOf(run: Run, close: () => Promise<void>): CrlBench {
  return {
    begin: async (head) => void (await run({ call: 'begin', head })),
    add: async (bytes) => void (await run({ call: 'add', bytes })),
    finish: async () => (await run({ call: 'finish' })) as Uint8Array<ArrayBuffer>,
    prove: async (tbs, signature) => void (await run({ call: 'prove', tbs, signature })),
    compare: async (bytes) => void (await run({ call: 'compare', bytes })),
    conclude: async (previous) => (await run({ call: 'conclude', previous })) as Judgement,
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

/** Entries are forgotten as soon as they are written; what they lie in meanwhile need not have 50 MB. */
const YOUNG_MB = 8;

const THREAD = new URL('thread.ts', import.meta.url);

/** In a thread of its own, so that requests are answered while a million entries are written, read and compared. */
export function openThreadBench(script: URL = THREAD): CrlBench {
  const worker = new Worker(script, { resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } });
  const ended = new Promise<never>((_, reject) => {
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`The thread that makes CRLs ended with code ${code}.`)));
  });
  // Between two calls nobody waits for it.
  ended.catch(() => undefined);
  const run: Run = async (call) => {
    const answer = new Promise<BenchAnswer>((resolve) => worker.once('message', resolve));
    worker.postMessage(call, transferable(call));
    const received = await Promise.race([answer, ended]);
    if ('error' in received) throw received.error;
    return received.result;
  };
  return benchOf(run, async () => void (await worker.terminate()));
}

/** Bytes are handed over and not copied. A view into a larger buffer must not take that along. */
function transferable(call: BenchCall): ArrayBuffer[] {
  const all = call.call === 'prove' ? [call.tbs] : 'bytes' in call ? [call.bytes] : [];
  return all.flatMap(({ buffer, byteLength }) =>
    buffer instanceof ArrayBuffer && byteLength >= LARGE && byteLength * 2 > buffer.byteLength ? [buffer] : [],
  );
}

/** Small views may lie in Node's shared pool of buffers. */
const LARGE = 65_536;
