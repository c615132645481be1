import { toHex } from '@licet/format';
import { sha256 } from './sha256.ts';

/**
 * What a site has seen, so that nobody can take it back: the latest time that somebody signed, the newest issue number
 * of each license, the highest number of each CRL.
 *
 * The time is only ever taken from signed things whose signature was verified (certificates, CRLs, OCSP responses), and
 * never from the clock of the machine: a clock that was wrong for an hour, ten years ahead, must not leave a mark.
 */
export type HighWater = {
  readonly time: Date;
  /** By the `id` of the claims. */
  readonly sequences: Readonly<Record<string, number>>;
  /** By the issuer and scope of the CRL; as decimal text, since these numbers have up to 20 octets. */
  readonly crlNumbers: Readonly<Record<string, string>>;
};

/**
 * How far a clock may stand before the latest signed time without a word. Ordinary skew is minutes; a time zone that was
 * set wrong makes up to 14 hours. What is won by setting a clock back by less than this is less than a day.
 */
export const CLOCK_TOLERANCE_MS: number = 24 * 60 * 60 * 1000;

/** Nothing was seen yet. */
export const NO_HIGH_WATER: HighWater = { time: new Date(0), sequences: {}, crlNumbers: {} };

/** The higher of two marks, in each part: marks only ever rise. */
export function raise(a: HighWater, b: HighWater): HighWater {
  return {
    time: a.time.getTime() >= b.time.getTime() ? a.time : b.time,
    sequences: higher(a.sequences, b.sequences, (x, y) => x >= y),
    crlNumbers: higher(a.crlNumbers, b.crlNumbers, (x, y) => BigInt(x) >= BigInt(y)),
  };
}

function higher<T>(
  a: Readonly<Record<string, T>>,
  b: Readonly<Record<string, T>>,
  atLeast: (x: T, y: T) => boolean,
): Readonly<Record<string, T>> {
  // Never `all[key] = value`: a key is an outsider's text, and `__proto__` is one.
  const risen = Object.entries(b).filter(([key, value]) => !Object.hasOwn(a, key) || !atLeast(a[key]!, value));
  return risen.length === 0 ? a : { ...a, ...Object.fromEntries(risen) };
}

export function formatHighWater(mark: HighWater): string {
  return `${JSON.stringify({ version: 1, ...mark, check: checkOf(mark) }, undefined, 2)}\n`;
}

/**
 * Shows that a mark was cut off, damaged or edited by hand. It is no proof against whoever may write where the mark is
 * kept: a key that the product could use there, they could use as well.
 */
function checkOf({ time, sequences, crlNumbers }: HighWater): string {
  const text = `licet high-water v1\0${JSON.stringify([time, sequences, crlNumbers])}`;
  return toHex(sha256(new TextEncoder().encode(text)));
}

/** Undefined for text that is no mark, or not the one that was written. */
export function parseHighWater(text: string): HighWater | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(value) || value['version'] !== 1) return undefined;
  const { time, sequences, crlNumbers } = value;
  if (typeof time !== 'string' || Number.isNaN(Date.parse(time))) return undefined;
  if (!isRecord(sequences) || !isRecord(crlNumbers)) return undefined;
  if (!Object.values(sequences).every((sequence) => Number.isSafeInteger(sequence))) return undefined;
  if (!Object.values(crlNumbers).every((number) => typeof number === 'string' && /^\d{1,60}$/.test(number))) {
    return undefined;
  }
  const mark: HighWater = {
    time: new Date(time),
    sequences: sequences as Record<string, number>,
    crlNumbers: crlNumbers as Record<string, string>,
  };
  return value['check'] === checkOf(mark) ? mark : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
