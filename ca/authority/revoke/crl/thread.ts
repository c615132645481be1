import { parentPort } from 'node:worker_threads';
import { type BenchAnswer, type BenchCall, CrlWork } from './bench.ts';

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
  port.postMessage(answer, handedOver(answer));
});

function handedOver(answer: BenchAnswer): ArrayBuffer[] {
  const result = 'result' in answer ? answer.result : undefined;
  const bytes = result instanceof Uint8Array ? result : (result as { der?: Uint8Array } | undefined)?.der;
  return bytes?.buffer instanceof ArrayBuffer ? [bytes.buffer] : [];
}
