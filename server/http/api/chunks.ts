import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Request, Response } from 'express';

/**
 * An answer of any length, as fast as the client takes it and never whole in memory. What is refused is refused before a
 * byte is out; what fails later breaks the connection, so that nobody takes a part for the whole.
 */
export async function sendChunks(
  chunks: AsyncIterable<string>,
  headers: Readonly<Record<string, string>>,
  request: Request,
  response: Response,
): Promise<void> {
  const iterator = chunks[Symbol.asyncIterator]();
  const first = await iterator.next();
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (request.method === 'HEAD') {
    await iterator.return?.();
    response.end();
    return;
  }
  async function* all(): AsyncGenerator<string> {
    if (first.done !== true) yield first.value;
    yield* { [Symbol.asyncIterator]: () => iterator };
  }
  await pipeline(Readable.from(all(), { objectMode: false }), response);
}
