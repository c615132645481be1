import { CRL_LIMITS } from '../der/limits.ts';
import { DerReader } from '../der/reader.ts';
import { Tag } from '../der/tags.ts';
import { FormatError } from '../errors.ts';
import { readCrlEntry } from './crl-entry.ts';
import type { Bytes, CrlEntry } from './types.ts';

const NOTHING = new Uint8Array(0);

/** Of one element: where its content begins and ends, counted from where it was looked at. */
type Element = { readonly tag: number; readonly start: number; readonly end: number };

/**
 * The entries of a CRL that comes in parts, in order and without ever having the whole of it. What stands around the
 * entries is walked over, not judged: this is for a list that somebody has checked before, and knows to be the same.
 */
export class CrlEntryScanner {
  #rest: Bytes = NOTHING;
  /** Octets of the list that are still to come; undefined: it has not begun. */
  #left: number | undefined;

  /** The entries that are whole with this part, which is not looked at again. */
  *push(part: Bytes): Generator<CrlEntry> {
    let bytes = this.#rest.length === 0 ? part : joined(this.#rest, part);
    if (this.#left === undefined) {
      const list = findList(bytes);
      if (list === undefined) {
        this.#rest = bytes.slice();
        return;
      }
      this.#left = list.end - list.start;
      bytes = bytes.subarray(list.start);
    }
    const whole = wholeElements(bytes.subarray(0, this.#left));
    this.#left -= whole;
    this.#rest = this.#left === 0 ? NOTHING : bytes.slice(whole);
    if (whole === 0) return;
    const reader = new DerReader(bytes.subarray(0, whole), 'crl.tbs.revoked', CRL_LIMITS);
    while (reader.peek() !== -1) yield readCrlEntry(reader, '', 2);
  }

  /** Throws when the list has not come to its end. */
  finish(): void {
    if (this.#left !== 0) throw new FormatError('DER_TRUNCATED', 'crl.tbs.revoked', 'ends before its last entry');
  }
}

function joined(first: Bytes, second: Bytes): Bytes {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

/** RFC 5280 §5.1: past version, algorithm, issuer and times; an empty place, where a list has no entries. */
function findList(bytes: Bytes): Element | undefined {
  const crl = elementAt(bytes, 0);
  const tbs = crl && elementAt(bytes, crl.start);
  if (tbs === undefined) return undefined;
  let at = tbs.start;
  for (const tags of [[Tag.INTEGER], [Tag.SEQUENCE], [Tag.SEQUENCE], TIMES, TIMES]) {
    const element = elementAt(bytes, at);
    if (element === undefined) return undefined;
    if (tags.includes(element.tag)) at = element.end;
  }
  const none = { tag: Tag.SEQUENCE, start: at, end: at };
  if (at === tbs.end) return none;
  const list = elementAt(bytes, at);
  return list === undefined || list.tag === Tag.SEQUENCE ? list : none;
}

const TIMES: readonly number[] = [Tag.UTC_TIME, Tag.GENERALIZED_TIME];

/** How many octets at the beginning are whole elements. */
function wholeElements(bytes: Bytes): number {
  let at = 0;
  for (;;) {
    const element = elementAt(bytes, at);
    if (element === undefined || element.end > bytes.length) return at;
    at = element.end;
  }
}

/** Undefined: its header is not whole yet. */
function elementAt(bytes: Bytes, at: number): Element | undefined {
  const first = bytes[at + 1];
  if (first === undefined) return undefined;
  const octets = first < 0x80 ? 0 : first & 0x7f;
  const start = at + 2 + octets;
  if (start > bytes.length) return undefined;
  let length = octets === 0 ? first : 0;
  for (let i = at + 2; i < start; i += 1) length = length * 256 + bytes[i]!;
  return { tag: bytes[at]!, start, end: start + length };
}
