import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startPostmaster } from '@licet/server/test-cluster';
import { DURABLE } from './house.ts';

const LOOK_EVERY_MS = 250;

/** As a service manager does: one that has ended is started again. */
export function keepRunning(folder: string, settings: readonly string[] = []): { stop(): void } {
  const timer = setInterval(() => {
    if (!isAlive(postmasterOf(folder))) startPostmaster(folder, [...DURABLE, ...settings]);
  }, LOOK_EVERY_MS);
  return { stop: () => clearInterval(timer) };
}

/** The postmaster and all that it has started, so that nothing of it lives to tidy up. */
export function killAll(folder: string): void {
  const pid = postmasterOf(folder);
  if (pid === undefined) return;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  for (const one of [pid, ...children]) {
    try {
      process.kill(one, 'SIGKILL');
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  }
}

function postmasterOf(folder: string): number | undefined {
  try {
    return Number(readFileSync(join(folder, 'data/postmaster.pid'), 'utf8').split('\n')[0]);
  } catch {
    return undefined;
  }
}

function isAlive(pid: number | undefined): boolean {
  try {
    return pid !== undefined && !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
