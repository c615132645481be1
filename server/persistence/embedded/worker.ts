import { parentPort, workerData } from 'node:worker_threads';

import { PGlite } from '@electric-sql/pglite';

import { DurableFiles, syncTree } from './durable-files.ts';
import { Wire } from './wire.ts';

export type WorkerInput = {
  task: 'initialize' | 'serve';
  /** PostgreSQL's data directory. */
  folder: string;
  sharedBuffersMb: number;
  /** False only for the test that shows that the durability suite would notice. */
  fsync: boolean;
};

/**
 * The session is a number that comes back with the answer: an answer may outlive the one who asked. The bytes travel as
 * a latin1 string: an ArrayBuffer of its own for every small message fragments memory across threads (60 MB more).
 */
export type Exchange = { session: number; wire: string };
export type ToWorker = Exchange | 'close';
export type FromWorker = 'ready' | 'initialized' | 'closed' | Exchange | { died: string };

const { task, folder, sharedBuffersMb, fsync } = workerData as WorkerInput;
const port = parentPort!;
const say = (message: FromWorker): void => port.postMessage(message);

/** The engine's last words: the reason when it dies. */
const complaints: string[] = [];

const settings = {
  fsync: fsync ? 'on' : 'off',
  wal_sync_method: 'fsync', // emscripten's fdatasync returns success and does nothing
  synchronous_commit: 'on',
  full_page_writes: 'on',
  search_path: 'public',
  exit_on_error: 'false',
  log_checkpoints: 'false',
  max_worker_processes: '0',
  max_parallel_workers: '0',
  max_parallel_workers_per_gather: '0',
  max_parallel_maintenance_workers: '0',
  io_method: 'sync',
  shared_buffers: `${sharedBuffersMb}MB`,
  wal_buffers: '1MB',
  work_mem: '4MB',
  maintenance_work_mem: '32MB',
  min_wal_size: '32MB',
  max_wal_size: '64MB',
};

function engine(fresh: boolean): Promise<PGlite> {
  return PGlite.create({
    fs: new DurableFiles(folder),
    // As PGlite's default without -F, which turns fsync off.
    startParams: [
      '--single',
      '-O',
      '-j',
      ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
    ],
    ...(fresh ? { initDbStartParams: ['--wal-segsize=4'] } : {}),
    onStderr: (line) => {
      complaints.push(line);
      if (complaints.length > 20) complaints.shift();
      return true;
    },
  });
}

async function initialize(): Promise<void> {
  const pg = await engine(true);
  await pg.close();
  syncTree(folder);
  say('initialized');
}

async function serve(): Promise<void> {
  const pg = await engine(false);
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
  const reason = complaints.findLast((line) => /PANIC|FATAL/.test(line)) ?? complaints.at(-1) ?? String(error);
  say({ died: reason });
  port.close();
}

await (task === 'initialize' ? initialize() : serve()).catch(die);
