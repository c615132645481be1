import { AuthorityError } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';
import { instantText, sha256 } from './words.ts';

/**
 * What happened at a ceremony, line by line. Each line ends with the start of the hash over itself and all before it,
 * so that none can be changed, dropped or moved alone. The last hash, the seal, is read out and written on paper by
 * those present: whoever rewrites the whole transcript gets another one.
 */
export const TRANSCRIPT_FORMAT = 'licet-transcript-1';

const LINE = /^(\d{4}) (\S+Z) (.+) #([0-9a-f]{16})$/;
const SEAL = /^seal ([0-9a-f]{64})$/;
const SHOWN = 16;

/** `kept`: lies beside the transcript for good. `handed out`: a secret that somebody takes away. */
export type FileKind = 'kept' | 'handed out';
export type FileLine = { readonly kind: FileKind; readonly name: string; readonly sha256: string };

const FILE = /^file (kept|handed out) ([0-9a-f]{64}) (.+)$/;

export class Transcript {
  readonly #clock: Clock;
  readonly #lines: string[] = [];
  #hash = sha256(TRANSCRIPT_FORMAT);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(text: string): void {
    const body = `${String(this.#lines.length + 1).padStart(4, '0')} ${instantText(this.#clock.now())} ${text}`;
    this.#hash = sha256(`${this.#hash}\n${body}`);
    this.#lines.push(`${body} #${this.#hash.slice(0, SHOWN)}`);
  }

  addFile({ kind, name, sha256: digest }: FileLine): void {
    this.add(`file ${kind} ${digest} ${name}`);
  }

  get seal(): string {
    return this.#hash;
  }

  text(): string {
    return `${[TRANSCRIPT_FORMAT, ...this.#lines, `seal ${this.#hash}`].join('\n')}\n`;
  }
}

export type ReadTranscript = {
  readonly seal: string;
  readonly lines: readonly string[];
  readonly files: readonly FileLine[];
};

/** Throws TRANSCRIPT_MISMATCH naming the first line that was changed. */
export function readTranscript(text: string): ReadTranscript {
  const [format, ...rest] = text.split('\n');
  const last = rest.pop();
  const seal = SEAL.exec(rest.pop() ?? '')?.[1];
  if (format !== TRANSCRIPT_FORMAT || last !== '' || seal === undefined) {
    throw mismatch('The transcript', 'does not begin and end like one');
  }
  let running = sha256(TRANSCRIPT_FORMAT);
  const lines: string[] = [];
  for (const [i, line] of rest.entries()) {
    const [, number, time, words = '', shown] = LINE.exec(line) ?? [];
    running = sha256(`${running}\n${number} ${time} ${words}`);
    if (Number(number) !== i + 1 || running.slice(0, SHOWN) !== shown) {
      throw mismatch(`Line ${i + 1} of the transcript`, 'was changed, or lines before it are missing');
    }
    lines.push(words);
  }
  if (running !== seal) throw mismatch('The seal', 'is not that of the lines above it');
  const files = lines.flatMap((line) => {
    const [, kind, digest = '', name = ''] = FILE.exec(line) ?? [];
    return kind === 'kept' || kind === 'handed out' ? [{ kind, name, sha256: digest } as const] : [];
  });
  return { seal, lines, files };
}

export function mismatch(what: string, why: string): AuthorityError {
  return new AuthorityError('TRANSCRIPT_MISMATCH', `${what} ${why}.`, { details: [what] });
}
