import type { Clock } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';

/** UUID version 7 (RFC 9562 §5.7): milliseconds, then 74 random bits, so that ids sort by creation and none is guessed. */
export function newId(clock: Clock, random: Random): string {
  const bytes = Uint8Array.from(random.bytes(16));
  let milliseconds = clock.now().getTime();
  for (let at = 5; at >= 0; at--) {
    bytes[at] = milliseconds % 256;
    milliseconds = Math.floor(milliseconds / 256);
  }
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return [...bytes]
    .map((byte, at) => `${DASH_BEFORE.has(at) ? '-' : ''}${byte.toString(16).padStart(2, '0')}`)
    .join('');
}

const DASH_BEFORE = new Set([4, 6, 8, 10]);
const FORM = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether a caller's text can be an id at all: what is none is "not found", not a database error. */
export function isId(text: string): boolean {
  return FORM.test(text);
}
