import { parentPort, workerData } from 'node:worker_threads';

import type { PGlite } from '@electric-sql/pglite';

import { lastWords, startPglite, type PgliteInput } from './pglite.ts';
import { Wire } from './wire.ts';

/**
 * The session is a number that comes back with the answer: an answer may outlive the one who asked. The bytes travel as
 * a latin1 string: an ArrayBuffer of its own for every small message fragments memory across threads (60 MB more).
 */
export type Exchange = { session: number; wire: string };
export type ToWorker = Exchange | 'close';
export type FromWorker = 'ready' | 'closed' | Exchange | { died: string };

const port = parentPort!;
const say = (message: FromWorker): void => port.postMessage(message);

/** The engine's last words: the reason when it dies. */
const complaints: string[] = [];

async function serve(): Promise<void> {
  const pg = await startPglite(workerData as PgliteInput, complaints);
  const wire = new Wire(pg);
  port.on('message', (message: ToWorker) => {
    if (message === 'close') return void close(pg);
    let answer;
    try {
      answer = wire.exchange(Buffer.from(message.wire, 'latin1')).toString('latin1');
    } catch (error) {
      return die(error);
    }
    say({ session: message.session, wire: answer });
  });
  say('ready');
}

/** PGlite's close runs PostgreSQL's own exit functions; the last of them writes the shutdown checkpoint. */
async function close(pg: PGlite): Promise<void> {
  await pg.close();
  say('closed');
  port.close();
}

function die(error: unknown): void {
  say({ died: lastWords(complaints, error) });
  port.close();
}

await serve().catch(die);
