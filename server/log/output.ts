import { write } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

export type LogOutput = {
  /** Never waits: a reader that does not read must not stop the server. */
  write(line: string): void;
  /** Resolves when all that was written is out, or after `ms` if the reader does not take it. */
  flush(ms: number): Promise<void>;
};

/** About 20,000 lines: what a collector that restarts can catch up with. Beyond it lines are dropped, and counted. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;
const RETRY_MS = 20;

/**
 * Not `process.stdout`: on Linux that blocks the event loop while a pipe is full. One write at a time, of everything
 * that has gathered meanwhile.
 */
export function logOutput(fd: number, onDrop: () => void, maxWaitingBytes = MAX_WAITING_BYTES): LogOutput {
  let waiting: string[] = [];
  let waitingBytes = 0;
  let isWriting = false;
  let isGone = false;
  const idle: (() => void)[] = [];

  const next = (rest?: Buffer) => {
    if (rest === undefined && waiting.length === 0) {
      isWriting = false;
      for (const done of idle.splice(0)) done();
      return;
    }
    isWriting = true;
    const bytes = rest ?? Buffer.from(waiting.join(''));
    if (rest === undefined) {
      waiting = [];
      waitingBytes = 0;
    }
    write(fd, bytes, (error, written) => {
      if (error === null) next(written < bytes.length ? bytes.subarray(written) : undefined);
      else if (error.code === 'EAGAIN') setTimeout(() => next(bytes), RETRY_MS);
      else {
        // The reader has gone for good (EPIPE): that is no reason to stop serving.
        isGone = true;
        waiting = [];
        next();
      }
    });
  };

  return {
    write(line) {
      if (isGone || waitingBytes + line.length > maxWaitingBytes) {
        onDrop();
        return;
      }
      waiting.push(line);
      waitingBytes += line.length;
      if (!isWriting) next();
    },
    flush: (ms) =>
      isWriting
        ? Promise.race([new Promise<void>((resolve) => void idle.push(resolve)), pause(ms)])
        : Promise.resolve(),
  };
}
