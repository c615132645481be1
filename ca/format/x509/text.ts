import type { DerReader, PathStep } from '../der/reader.ts';
import { Tag, tagName } from '../der/tags.ts';
import type { DerWriter } from '../der/writer.ts';
import { FormatError } from '../errors.ts';
import type { Bytes } from './types.ts';

// More than this many arguments at once and some engines run out of stack.
const CHUNK = 4096;

// A byte order mark is a character like any other here: taking it away would make two encodings of one text.
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of a DirectoryString (RFC 5280 §4.1.2.4) or another string type; undefined: the next element is no text. */
export function readText(reader: DerReader, name: PathStep): string | undefined {
  const tag = reader.peek();
  const decode = DECODERS[tag];
  if (decode === undefined) return undefined;
  const text = readWith(decode, reader, tag, name);
  if (text === undefined) reader.fail('X509_NAME', name, `is no valid ${tagName(tag)}`);
  // RFC 5280 appendix A: every choice of DirectoryString is SIZE (1..MAX).
  if (text === '') reader.fail('X509_NAME', name, 'is an empty text');
  return text;
}

/** An IA5String under any tag. Empty is allowed: a name constraint of "" means every name. */
export function readIa5(reader: DerReader, name: PathStep, tag: number): string {
  const text = readWith(ia5, reader, tag, name);
  if (text === undefined) reader.fail('X509_NAME', name, 'holds octets above 0x7f, which IA5 text cannot');
  return text;
}

/** The text of a UTF8String; undefined for octets that are no UTF-8. */
export function readUtf8(reader: DerReader, name: PathStep): string | undefined {
  return readWith(utf8, reader, Tag.UTF8_STRING, name);
}

/** The text that stands from `start` to `end`, or undefined. Without a view of these octets: a certificate has dozens. */
type Decoder = (bytes: Bytes, start: number, end: number) => string | undefined;

function readWith(decode: Decoder, reader: DerReader, tag: number, name: PathStep): string | undefined {
  const end = reader.header(tag, name);
  const text = decode(reader.bytes, reader.position, end);
  reader.position = end;
  return text;
}

function utf8(bytes: Bytes, start: number, end: number): string | undefined {
  const ascii = ia5(bytes, start, end);
  if (ascii !== undefined) return ascii;
  try {
    return UTF8.decode(bytes.subarray(start, end));
  } catch {
    return undefined; // a TypeError is how TextDecoder says that these octets are no UTF-8
  }
}

function ia5(bytes: Bytes, start: number, end: number): string | undefined {
  for (let i = start; i < end; i += 1) if (bytes[i]! >= 0x80) return undefined;
  return latin1(bytes, start, end);
}

/** TeletexString: what RFC 5280 §4.1.2.4 keeps for old certificates is in practice Latin-1. */
function latin1(bytes: Bytes, start: number, end: number): string {
  let text = '';
  for (let at = start; at < end; at += CHUNK) {
    // Copied to an array, which V8 spreads several times as fast as a Uint8Array.
    const codes: number[] = [];
    for (let i = at; i < end && i < at + CHUNK; i += 1) codes.push(bytes[i]!);
    text += String.fromCharCode.apply(null, codes);
  }
  return text;
}

function printable(bytes: Bytes, start: number, end: number): string | undefined {
  for (let i = start; i < end; i += 1) if (PRINTABLE[bytes[i]!] !== 1) return undefined;
  return latin1(bytes, start, end);
}

function matching(pattern: RegExp): Decoder {
  return (bytes, start, end) => {
    const text = latin1(bytes, start, end);
    return pattern.test(text) ? text : undefined;
  };
}

/** Characters of `width` octets each. A surrogate is no character in either form. */
function wide(width: 2 | 4): Decoder {
  return (bytes, start, end) => {
    if ((end - start) % width !== 0) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let text = '';
    for (let at = start; at < end; at += width) {
      const point = width === 2 ? view.getUint16(at) : view.getUint32(at);
      if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return undefined;
      text += String.fromCodePoint(point);
    }
    return text;
  };
}

const PRINTABLE = new Uint8Array(256);
for (const character of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 '()+,-./:=?") {
  PRINTABLE[character.charCodeAt(0)] = 1;
}

const DECODERS: Decoder[] = [];
DECODERS[Tag.UTF8_STRING] = utf8;
DECODERS[Tag.PRINTABLE_STRING] = printable;
DECODERS[Tag.IA5_STRING] = ia5;
DECODERS[Tag.TELETEX_STRING] = latin1;
DECODERS[Tag.NUMERIC_STRING] = matching(/^[0-9 ]*$/);
DECODERS[Tag.VISIBLE_STRING] = matching(/^[\x20-\x7e]*$/);
DECODERS[Tag.BMP_STRING] = wide(2);
DECODERS[Tag.UNIVERSAL_STRING] = wide(4);

/** Whether a PrintableString can hold the text. */
export function isPrintable(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) if (PRINTABLE[text.charCodeAt(i)] !== 1) return false;
  return true;
}

export function isIa5(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) if (text.charCodeAt(i) >= 0x80) return false;
  return true;
}

export function writeIa5(writer: DerWriter, value: string, tag: number): void {
  if (!isIa5(value)) throw new FormatError('X509_NAME', '', `"${value}" is no IA5 text`);
  writer.text(value, tag);
}
