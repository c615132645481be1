import { FormatError } from './errors.ts';
import type { Bytes } from './x509/types.ts';

/** Not in constant time: for public values only. */
export function equalBytes(a: Bytes, b: Bytes): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}

/** Order as octet strings; a prefix comes before what it begins. */
export function compareBytes(a: Bytes, b: Bytes): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i += 1) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}

export function concatBytes(...parts: readonly Bytes[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const HEX = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));
// More arguments than this at once and some engines run out of stack.
const CHUNK = 1024;

export function toHex(bytes: Bytes): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += CHUNK) {
    const digits: number[] = [];
    for (let i = at; i < bytes.length && i < at + CHUNK; i += 1)
      digits.push(HEX[bytes[i]! >> 4]!, HEX[bytes[i]! & 15]!);
    text += String.fromCharCode(...digits);
  }
  return text;
}

/** Digits only, of either case, two for each octet. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length >> 1);
  let wrong = text.length & 1;
  for (let i = 0; i < bytes.length; i += 1) {
    const octet = (hexDigit(text.charCodeAt(2 * i)) << 4) | hexDigit(text.charCodeAt(2 * i + 1));
    wrong |= octet & 0x100;
    bytes[i] = octet;
  }
  if (wrong !== 0) throw new FormatError('TEXT_INVALID', '', 'is no text of hexadecimal digits in pairs');
  return bytes;
}

/** 0x110 for a character that is none. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : 0x110;
}

const STANDARD = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

type NativeBuffer = {
  from(text: string, encoding: 'base64'): Uint8Array;
  from(buffer: ArrayBufferLike, offset: number, length: number): { toString(encoding: 'base64'): string };
};

// Where there is one (Node, Deno, Bun) it is several times as fast; this package needs no other part of Node.
const native = (globalThis as { Buffer?: NativeBuffer }).Buffer;

/** RFC 4648 §4, padded, without line ends. */
export function toBase64(bytes: Bytes): string {
  if (native !== undefined) return native.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const group = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    text += STANDARD[group >> 18]! + STANDARD[(group >> 12) & 63]!;
    text += left > 1 ? STANDARD[(group >> 6) & 63]! : '=';
    text += left > 2 ? STANDARD[group & 63]! : '=';
  }
  return text;
}

/** RFC 4648 §5, without padding. */
export function toBase64Url(bytes: Bytes): string {
  return toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

const LF = 10;

// 64: white space, which only the lenient form skips; 65: the padding; 255: anything else.
const SPACE = 64;
const PAD = 65;

function alphabet(characters: string): Uint8Array {
  const values = new Uint8Array(128).fill(255);
  for (let i = 0; i < 64; i += 1) values[characters.charCodeAt(i)] = i;
  for (const space of ' \t\r\n') values[space.charCodeAt(0)] = SPACE;
  values['='.charCodeAt(0)] = PAD;
  return values;
}

const FROM_STANDARD = alphabet(STANDARD);
const FROM_URL = alphabet(STANDARD.replace('+/', '-_'));

/** RFC 4648 §4. `lenient` skips white space, as EST (RFC 8951) and PEM need; padding and spare bits stay strict. */
export function fromBase64(text: string, form: 'strict' | 'lenient' = 'strict'): Uint8Array<ArrayBuffer> {
  return decodeNative(text, form) ?? decode(text, FROM_STANDARD, form === 'lenient', true);
}

/** RFC 4648 §5 without padding, as JOSE writes it. */
export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  return decode(text, FROM_URL, false, false);
}

/** What `native` reads, when it is certain that all of it is base64; undefined is for `decode` to read or to explain. */
function decodeNative(text: string, form: 'strict' | 'lenient'): Uint8Array<ArrayBuffer> | undefined {
  // Node by itself takes U+0141 for the A whose code is its last octet, and the alphabet of RFC 4648 §5 for that of §4.
  if (native === undefined || !(form === 'strict' ? DIGITS : DIGITS_IN_LINES).test(text)) return undefined;
  const digits = text.length - (form === 'strict' ? 0 : lineEnds(text));
  const end = text.endsWith('\n') ? text.length - 1 : text.length;
  const pads = text[end - 1] !== '=' ? 0 : text[end - 2] !== '=' ? 1 : 2;
  if (digits % 4 !== 0 || !hasZeroSpare(text, end, pads)) return undefined;
  // What is no digit it leaves out, so that the result is shorter than it should be.
  const bytes = native.from(text, 'base64');
  return bytes.length === (digits / 4) * 3 - pads ? new Uint8Array(bytes) : undefined;
}

const DIGITS = /^[A-Za-z0-9+/]*={0,2}$/;
const DIGITS_IN_LINES = /^[A-Za-z0-9+/\n]*={0,2}\n?$/;
/** RFC 7468 §2: each line but the last has 64 characters. */
const LINE = 65;

/** How many line ends there are, where all lines are as long as they should be. */
function lineEnds(text: string): number {
  let count = 0;
  for (let at = LINE - 1; at < text.length - 1; at += LINE) if (text.charCodeAt(at) === LF) count += 1;
  return text.endsWith('\n') ? count + 1 : count;
}

/** Whether the bits of the last digit that stand for nothing are zero. */
function hasZeroSpare(text: string, end: number, pads: number): boolean {
  if (pads === 0) return true;
  const last = FROM_STANDARD[text.charCodeAt(end - pads - 1)] ?? 255;
  return last < 64 && (last & (pads === 1 ? 0x03 : 0x0f)) === 0;
}

function decode(text: string, values: Uint8Array, spaces: boolean, padded: boolean): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.ceil((text.length * 3) / 4));
  let length = 0;
  let group = 0;
  let count = 0;
  let pads = 0;
  for (let i = 0; i < text.length; i += 1) {
    const value = values[text.charCodeAt(i)] ?? 255;
    if (value === SPACE && spaces) continue;
    if (value === PAD && padded) pads += 1;
    if (value > 63 ? value !== PAD || !padded : pads > 0) return refuse(i);
    if (value > 63) continue;
    group = ((group << 6) | value) & 0xff_ff_ff;
    count += 1;
    if (count % 4 === 0) {
      bytes[length] = group >> 16;
      bytes[length + 1] = group >> 8;
      bytes[length + 2] = group;
      length += 3;
    }
  }
  const rest = count % 4;
  // Spare bits must be zero: otherwise two texts would stand for the same octets.
  const spare = rest === 2 ? group & 0x0f : group & 0x03;
  if (rest === 1 || (rest > 0 && spare !== 0) || (padded && pads !== (4 - rest) % 4)) return refuse(text.length);
  if (rest > 1) bytes[length] = rest === 2 ? group >> 4 : group >> 10;
  if (rest === 3) bytes[length + 1] = group >> 2;
  return bytes.subarray(0, length + Math.max(0, rest - 1));
}

function refuse(at: number): never {
  throw new FormatError('TEXT_INVALID', '', `is no base64: wrong at character ${at}`);
}
