import { setTimeout as pause } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';

const EVERY_MS = 20;

/** Tells each moment at which the address begins to answer with 200. */
for (let was = false; ; await pause(EVERY_MS)) {
  const is = await answers(workerData as string);
  if (is && !was) parentPort?.postMessage(performance.timeOrigin + performance.now(), []);
  was = is;
}

async function answers(address: string): Promise<boolean> {
  try {
    const answer = await fetch(address);
    await answer.arrayBuffer();
    return answer.status === 200;
  } catch {
    return false;
  }
}
