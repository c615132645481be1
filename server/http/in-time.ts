import type { IncomingMessage, ServerResponse } from 'node:http';
import { LicetError } from '../licensing/errors.ts';

/**
 * Whatever the work waits for, its client hears of it in time. The work is not stopped: who asks again with the same
 * request finds what came of it.
 */
export function answerInTime(
  request: IncomingMessage,
  response: ServerResponse,
  ms: number,
  answer: (late: LicetError) => void,
): void {
  const look = (): void => {
    // Who is still sending has a time-out of its own, and half an answer cannot be taken back.
    if (!request.complete) request.once('end', () => (timer = setTimeout(look, ms)));
    else if (!response.headersSent) answer(tooLate());
  };
  let timer = setTimeout(look, ms);
  response.once('close', () => clearTimeout(timer));
}

const tooLate = (): LicetError =>
  new LicetError(
    'unavailable',
    'ANSWER_LATE',
    'This takes too long at the moment, and may be done or not; repeat the same request, with the same idempotency key.',
    { retryAfterSeconds: 2 },
  );
