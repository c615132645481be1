import { parentPort } from 'node:worker_threads';
import { type BenchAnswer, type BenchCall, CrlWork } from './bench.ts';
import { release } from './release.ts';

/** The other end of `openThreadBench`. */
const port = parentPort;
if (port === null) throw new Error('This is the thread that makes CRLs; it is started by the publisher.');
const work = new CrlWork();

port.on('message', (call: BenchCall) => {
  let answer: BenchAnswer;
  try {
    answer = { result: work.run(call) };
  } catch (error) {
    answer = { error: error instanceof Error ? error : new Error(String(error)) };
  }
  // They came as our own, and the collector, which sees only their handles, would let many of them gather.
  if ('bytes' in call) release(call.bytes);
  port.postMessage(answer, handedOver(answer));
});

function handedOver(answer: BenchAnswer): ArrayBuffer[] {
  const result = 'result' in answer ? answer.result : undefined;
  const bytes = result instanceof Uint8Array ? result : (result as { der?: Uint8Array } | undefined)?.der;
  return bytes?.buffer instanceof ArrayBuffer ? [bytes.buffer] : [];
}
