import type { Bytes } from '../x509/types.ts';
import { encodeOid } from './oid.ts';
import { Tag } from './tags.ts';

// Below this a finished encoding is copied to its exact size; above it the copy would cost more than the slack.
const COPY_BELOW = 65_536;

/**
 * The buffer of the last writer that finished, for the next one: making and clearing one for each costs more than most
 * encodings. Who begins while another still writes makes its own.
 */
let spare: Uint8Array<ArrayBuffer> | undefined;

/**
 * Writes DER front to back into one growing buffer. `open` leaves one octet for the length and `close` fills it in; an
 * element of 128 octets or more is then moved up by the octets that its length needs, which is one `memmove` and costs
 * less than an object per element would.
 */
export class DerWriter {
  private buffer: Uint8Array<ArrayBuffer>;
  private length = 0;
  private readonly starts: number[] = [];

  constructor(capacity = 1024) {
    const isEnough = spare !== undefined && spare.length >= capacity;
    this.buffer = isEnough ? spare! : new Uint8Array(capacity);
    if (isEnough) spare = undefined;
  }

  open(tag: number): this {
    this.reserve(2);
    this.buffer[this.length] = tag;
    this.length += 2;
    this.starts.push(this.length);
    return this;
  }

  close(): this {
    const start = this.starts.pop();
    if (start === undefined) throw new RangeError('close() without open()');
    const length = this.length - start;
    if (length < 0x80) {
      this.buffer[start - 1] = length;
      return this;
    }
    const extra = lengthOctets(length);
    this.reserve(extra);
    this.buffer.copyWithin(start + extra, start, this.length);
    this.length += extra;
    this.putLongLength(start - 1, length, extra);
    return this;
  }

  get position(): number {
    return this.length;
  }

  /** Puts DER in the place of as many octets that were written before, inside elements that are still open. */
  replace(position: number, der: Bytes): this {
    if (position + der.length > this.length) throw new RangeError('there is nothing to be replaced');
    this.buffer.set(der, position);
    return this;
  }

  /** Elements that are DER already. */
  raw(der: Bytes): this {
    this.reserve(der.length);
    this.buffer.set(der, this.length);
    this.length += der.length;
    return this;
  }

  /** An element with these content octets. */
  primitive(tag: number, content: Bytes): this {
    this.header(tag, content.length);
    return this.raw(content);
  }

  boolean(value: boolean, tag: number = Tag.BOOLEAN): this {
    return this.octet(tag, value ? 0xff : 0x00);
  }

  /** `BOOLEAN DEFAULT FALSE`: DER leaves the default out. */
  booleanDefaultFalse(value: boolean, tag: number = Tag.BOOLEAN): this {
    return value ? this.boolean(true, tag) : this;
  }

  integer(value: number | bigint, tag: number = Tag.INTEGER): this {
    if (value >= 0 && value < 0x80) return this.octet(tag, Number(value));
    if (Number.isSafeInteger(value) && value > 0) return this.natural(Number(value), tag);
    return this.integerContent(integerOctets(BigInt(value)), tag);
  }

  private natural(value: number, tag: number): this {
    let octets = 1;
    for (let bound = 0x80; value >= bound; bound *= 0x100) octets += 1;
    this.header(tag, octets);
    this.reserve(octets);
    let rest = value;
    for (let i = octets - 1; i >= 0; i -= 1) {
      this.buffer[this.length + i] = rest % 0x100;
      rest = Math.trunc(rest / 0x100);
    }
    this.length += octets;
    return this;
  }

  /** An INTEGER from its content octets, as a decoded serial holds them. */
  integerContent(content: Bytes, tag: number = Tag.INTEGER): this {
    const first = content[0];
    const second = content[1];
    if (first === undefined) throw new RangeError('an INTEGER has at least one octet');
    if (second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) {
      throw new RangeError('these octets are no minimal INTEGER');
    }
    return this.primitive(tag, content);
  }

  enumerated(value: number): this {
    return this.integer(value, Tag.ENUMERATED);
  }

  oid(oid: string, tag: number = Tag.OID): this {
    return this.primitive(tag, encodeOid(oid));
  }

  null(): this {
    this.header(Tag.NULL, 0);
    return this;
  }

  octetString(content: Bytes): this {
    return this.primitive(Tag.OCTET_STRING, content);
  }

  /** A BIT STRING of whole octets. */
  bitString(content: Bytes, tag: number = Tag.BIT_STRING): this {
    this.header(tag, content.length + 1);
    this.reserve(1);
    this.buffer[this.length] = 0;
    this.length += 1;
    return this.raw(content);
  }

  /** A BIT STRING of named bits: bit n of `mask` is the named bit n. X.690 §11.2.2: no trailing zero bits. */
  namedBits(mask: number, tag: number = Tag.BIT_STRING): this {
    const bits = 32 - Math.clz32(mask);
    const content = new Uint8Array(1 + Math.ceil(bits / 8));
    content[0] = (content.length - 1) * 8 - bits;
    for (let bit = 0; bit < bits; bit += 1) {
      if (mask & (1 << bit)) content[1 + (bit >> 3)]! |= 0x80 >> (bit & 7);
    }
    return this.primitive(tag, content);
  }

  /** Text of a type whose octets are those of UTF-8: UTF8String, and PrintableString and IA5String for ASCII. */
  text(value: string, tag: number = Tag.UTF8_STRING): this {
    const start = this.length;
    this.header(tag, value.length);
    this.reserve(value.length);
    const { buffer, length } = this;
    for (let i = 0; i < value.length; i += 1) {
      const code = value.charCodeAt(i);
      if (code >= 0x80) {
        this.length = start;
        return this.primitive(tag, UTF8.encode(value));
      }
      // Nearly all text is ASCII, and an array of its own for each piece takes ten times as long.
      buffer[length + i] = code;
    }
    this.length = length + value.length;
    return this;
  }

  /** What was written. The writer is not to be used afterwards. */
  finish(): Uint8Array<ArrayBuffer> {
    if (this.starts.length > 0) throw new RangeError(`${this.starts.length} elements are still open`);
    const { buffer, length } = this;
    // Whatever is written after this must not reach what another writer has by then.
    this.buffer = NONE;
    this.length = 0;
    if (length >= COPY_BELOW) return buffer.subarray(0, length);
    if (buffer.length <= COPY_BELOW && buffer.length > (spare?.length ?? 0)) spare = buffer;
    return buffer.slice(0, length);
  }

  private octet(tag: number, value: number): this {
    this.reserve(3);
    const { buffer, length } = this;
    buffer[length] = tag;
    buffer[length + 1] = 1;
    buffer[length + 2] = value;
    this.length += 3;
    return this;
  }

  /** What an element begins with whose content, of so many octets, stands elsewhere. */
  header(tag: number, length: number): this {
    this.reserve(6);
    this.buffer[this.length] = tag;
    const extra = length < 0x80 ? 0 : lengthOctets(length);
    if (extra === 0) this.buffer[this.length + 1] = length;
    else this.putLongLength(this.length + 1, length, extra);
    this.length += 2 + extra;
    return this;
  }

  private putLongLength(at: number, length: number, octets: number): void {
    this.buffer[at] = 0x80 | octets;
    for (let i = 0; i < octets; i += 1) this.buffer[at + octets - i] = length >>> (8 * i);
  }

  private reserve(octets: number): void {
    if (this.length + octets <= this.buffer.length) return;
    const grown = new Uint8Array(Math.max(this.buffer.length * 2, this.length + octets));
    grown.set(this.buffer.subarray(0, this.length));
    this.buffer = grown;
  }
}

const NONE = new Uint8Array(0);
const UTF8 = new TextEncoder();

/** The octets of a length of 128 or more, without the one that counts them. */
function lengthOctets(length: number): number {
  if (length < 0x1_00) return 1;
  if (length < 0x1_00_00) return 2;
  return length < 0x1_00_00_00 ? 3 : 4;
}

/** Two's complement, minimal. */
function integerOctets(value: bigint): Bytes {
  const octets: number[] = [];
  let left = value;
  do {
    octets.push(Number(left & 0xffn));
    left >>= 8n;
  } while (left !== 0n && left !== -1n);
  const top = octets.at(-1)!;
  if (value >= 0n && top >= 0x80) octets.push(0x00);
  if (value < 0n && top < 0x80) octets.push(0xff);
  return Uint8Array.from(octets.toReversed());
}
