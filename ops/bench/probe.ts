import { setTimeout as pause } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';

const EVERY_MS = 500;

/** Asks for each address again and again until it is told to stop; then tells the slowest answer of each, in ms. */
const slowest = new Map<string, number>();
const stopping = new AbortController();
parentPort?.on('message', () => stopping.abort());

async function look(address: string): Promise<void> {
  const { pathname } = new URL(address);
  while (!stopping.signal.aborted) {
    const began = performance.now();
    const { status } = await fetch(address);
    const name = status === 200 ? pathname : `${pathname} ${status}`;
    slowest.set(name, Math.max(slowest.get(name) ?? 0, Math.round(performance.now() - began)));
    await pause(EVERY_MS);
  }
}

await Promise.all((workerData as readonly string[]).map(look));
parentPort?.postMessage(slowest, []);
