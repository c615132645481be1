import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import type { CliIo } from './io.ts';

/**
 * Only a person at a terminal answers: what a pipe says was decided by nobody who saw the question. Undefined: nobody is
 * there, or whoever was went away. What is `secret` does not appear on the screen.
 */
export async function ask(
  question: string,
  { stdin, err }: Pick<CliIo, 'stdin' | 'err'>,
  { secret = false }: { readonly secret?: boolean } = {},
): Promise<string | undefined> {
  if (!('isTTY' in stdin) || stdin.isTTY !== true) return undefined;
  const output = secret ? nowhere() : process.stderr;
  const terminal = createInterface({ input: stdin, output, terminal: true });
  const gone = new AbortController();
  // Ctrl-C, Ctrl-D: without an answer nothing would wait for the question any more, and what was begun would stay behind.
  for (const event of ['SIGINT', 'close']) terminal.once(event, () => gone.abort());
  if (secret) err(question);
  try {
    return await terminal.question(`${question} `, { signal: gone.signal });
  } catch (error) {
    if (!gone.signal.aborted) throw error;
    return undefined;
  } finally {
    terminal.close();
  }
}

const nowhere = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() });
