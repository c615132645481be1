import { setTimeout as pause } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { isReady } from './is-ready.ts';

const EVERY_MS = 20;

/** Tells each moment at which the server begins to say that it is ready. */
for (let was = false; ; await pause(EVERY_MS)) {
  const is = await isReady(workerData as string);
  if (is && !was) parentPort?.postMessage(performance.timeOrigin + performance.now(), []);
  was = is;
}
