import { PGlite } from '@electric-sql/pglite';

import { DurableFiles } from './durable-files.ts';

export type PgliteInput = {
  /** PostgreSQL's data directory. */
  folder: string;
  sharedBuffersMb: number;
  /** False only for the test that shows that the durability suite would notice. */
  fsync: boolean;
  /** As `engineProgram` gives it; without it PGlite compiles its own. */
  program?: WebAssembly.Module;
};

const settings = ({ fsync, sharedBuffersMb }: PgliteInput): Record<string, string> => ({
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
});

/** Opens the data directory, or makes it when it is empty. What PostgreSQL says on the way ends up in `complaints`. */
export function startPglite(input: PgliteInput, complaints: string[]): Promise<PGlite> {
  return PGlite.create({
    fs: new DurableFiles(input.folder),
    ...(input.program === undefined ? {} : { pgliteWasmModule: input.program }),
    // As PGlite's default without -F, which turns fsync off.
    startParams: [
      '--single',
      '-O',
      '-j',
      ...Object.entries(settings(input)).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
    ],
    initDbStartParams: ['--wal-segsize=4'],
    onStderr: (line) => {
      complaints.push(line);
      if (complaints.length > 20) complaints.shift();
      return true;
    },
  });
}

/** Why it died: the worst of what it said, or the error when it said nothing. */
export function lastWords(complaints: readonly string[], error: unknown): string {
  return complaints.findLast((line) => /PANIC|FATAL/.test(line)) ?? complaints.at(-1) ?? String(error);
}
