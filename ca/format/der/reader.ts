import type { Bytes } from '../x509/types.ts';
import { DerCursor, type PathStep } from './cursor.ts';
import { readOid } from './oid.ts';
import { Tag, tagName } from './tags.ts';

export type { PathStep } from './cursor.ts';

/** A strict DER reader: the cursor, and what the elements under it say (X.690 §8.2 to §8.19, §11). */
export class DerReader extends DerCursor {
  boolean(name: PathStep, tag: number = Tag.BOOLEAN): boolean {
    const end = this.header(tag, name);
    const value = this.bytes[this.position]!;
    // X.690 §11.1: TRUE is 0xFF and nothing else.
    if (end - this.position !== 1 || (value !== 0 && value !== 0xff)) {
      this.fail('DER_VALUE', name, 'is a BOOLEAN that is neither 0x00 nor 0xff');
    }
    this.position = end;
    return value === 0xff;
  }

  /** `BOOLEAN DEFAULT FALSE`. X.690 §11.5: a default value is not encoded, so one that stands here must be TRUE. */
  booleanDefaultFalse(name: PathStep, tag: number = Tag.BOOLEAN): boolean {
    if (this.peek() !== tag) return false;
    if (!this.boolean(name, tag)) this.fail('DER_VALUE', name, 'is FALSE, the default, which DER leaves out');
    return true;
  }

  /** The content octets of an INTEGER, minimal (X.690 §8.3.2), of any sign and length. */
  integer(name: PathStep, tag: number = Tag.INTEGER): Bytes {
    const start = this.position;
    this.skipInteger(name, tag);
    return this.bytes.subarray(start + this.headerLength(start), this.position);
  }

  /** An INTEGER from 0 to `max`, which must be below 2^47. */
  smallInteger(name: PathStep, max: number, tag: number = Tag.INTEGER): number {
    const start = this.position;
    this.skipInteger(name, tag);
    const { bytes, position: end } = this;
    const first = start + this.headerLength(start);
    if (bytes[first]! >= 0x80) this.fail('DER_VALUE', name, 'is negative');
    let value = 0;
    if (end - first <= 6) for (let i = first; i < end; i += 1) value = value * 256 + bytes[i]!;
    if (end - first > 6 || value > max) this.fail('DER_VALUE', name, `is above ${max}`);
    return value;
  }

  /** A non-negative INTEGER of at most `octets` content octets. */
  bigInteger(name: PathStep, octets: number, tag: number = Tag.INTEGER): bigint {
    const content = this.integer(name, tag);
    if (content[0]! >= 0x80) this.fail('DER_VALUE', name, 'is negative');
    if (content.length > octets) this.fail('DER_VALUE', name, `is longer than ${octets} octets`);
    let value = 0n;
    for (const octet of content) value = (value << 8n) | BigInt(octet);
    return value;
  }

  enumerated(name: PathStep): number {
    return this.smallInteger(name, 0x7f_ff_ff_ff, Tag.ENUMERATED);
  }

  oid(name: PathStep, tag: number = Tag.OID): string {
    const end = this.header(tag, name);
    const oid = readOid(this.bytes, this.position, end);
    if (oid === undefined) this.fail('DER_VALUE', name, 'is no object identifier');
    this.position = end;
    return oid;
  }

  null(name: PathStep): void {
    if (this.header(Tag.NULL, name) !== this.position) this.fail('DER_VALUE', name, 'is a NULL with content');
  }

  octetString(name: PathStep): Bytes {
    return this.content(Tag.OCTET_STRING, name);
  }

  /** A BIT STRING of whole octets, as keys and signatures are. */
  bitString(name: PathStep, tag: number = Tag.BIT_STRING): Bytes {
    const end = this.header(tag, name);
    const start = this.position;
    if (end === start || this.bytes[start] !== 0) {
      this.fail('DER_VALUE', name, 'is a BIT STRING that does not end at an octet');
    }
    this.position = end;
    return this.bytes.subarray(start + 1, end);
  }

  /**
   * A BIT STRING of named bits, of which `bits` exist: bit n of the result is the named bit n. X.690 §11.2.2: no
   * trailing zero bits.
   */
  namedBits(name: PathStep, bits: number, tag: number = Tag.BIT_STRING): number {
    const content = this.content(tag, name);
    const unused = content[0];
    if (unused === undefined || unused > 7) this.fail('DER_VALUE', name, 'is no BIT STRING');
    const count = (content.length - 1) * 8 - unused;
    if (count > bits) this.fail('DER_VALUE', name, `has ${count} bits, ${bits} are defined`);
    let mask = 0;
    for (let bit = 0; bit < count; bit += 1) {
      if (content[1 + (bit >> 3)]! & (0x80 >> (bit & 7))) mask |= 1 << bit;
    }
    const last = content.length > 1 ? content[content.length - 1]! : 0;
    const canonical =
      count <= 0 ? content.length === 1 && unused === 0 : last & (1 << unused) && !(last & ((1 << unused) - 1));
    if (!canonical)
      this.fail('DER_VALUE', name, 'is a list of named bits with trailing zero bits, or with unused bits set');
    return mask;
  }

  /** Moves past an element of any type, checking that all of it is DER. Gives the whole element. */
  any(name: PathStep): Bytes {
    const start = this.position;
    this.checkAny(name);
    return this.bytes.subarray(start, this.position);
  }

  private headerLength(start: number): number {
    const first = this.bytes[start + 1]!;
    return first < 0x80 ? 2 : 2 + (first & 0x7f);
  }

  /** Moves past an INTEGER (or an element like one), checking that it is minimal. */
  skipInteger(name: PathStep, tag: number = Tag.INTEGER): void {
    const end = this.header(tag, name);
    const { bytes, position } = this;
    if (end === position) this.fail('DER_VALUE', name, 'is an INTEGER without octets');
    if (end - position > 1) {
      const first = bytes[position]!;
      const second = bytes[position + 1]!;
      if ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80)) {
        this.fail('DER_VALUE', name, 'is an INTEGER that is not minimal');
      }
    }
    this.position = end;
  }

  private checkAny(name: PathStep): void {
    const tag = this.peek();
    if ((tag & 0x1f) === 0x1f && tag !== -1) this.fail('DER_TAG', name, 'has a tag number above 30');
    if (tag === -1) this.fail('DER_TAG', name, 'is missing');
    if (tag & 0x20) this.checkConstructed(tag, name);
    else this.checkPrimitive(tag, name);
  }

  private checkConstructed(tag: number, name: PathStep): void {
    const universal = tag < 0x40;
    if (universal && tag !== Tag.SEQUENCE && tag !== Tag.SET) {
      this.fail('DER_TAG', name, `${tagName(tag)} is no constructed type of DER`);
    }
    this.enter(tag, name);
    for (let i = 0; this.position < this.end; i += 1) this.checkAny(i);
    this.leave();
  }

  private checkPrimitive(tag: number, name: PathStep): void {
    switch (tag) {
      case Tag.BOOLEAN:
        this.boolean(name);
        return;
      case Tag.INTEGER:
      case Tag.ENUMERATED:
        this.skipInteger(name, tag);
        return;
      case Tag.OID:
        this.oid(name);
        return;
      case Tag.NULL:
        this.null(name);
        return;
      case Tag.BIT_STRING:
        this.bits(name);
        return;
      case 0x00:
      case Tag.SEQUENCE & 0x1f:
      case Tag.SET & 0x1f:
        this.fail('DER_TAG', name, `tag 0x${tag.toString(16).padStart(2, '0')} is no primitive type`);
        return;
      default:
        this.skip(tag, name);
    }
  }

  /** The octets of a BIT STRING of any length; bits that are not used must be zero (X.690 §11.2.1). */
  bits(name: PathStep, tag: number = Tag.BIT_STRING): Bytes {
    const content = this.content(tag, name);
    const unused = content[0];
    const last = content[content.length - 1]!;
    const padded = unused !== undefined && unused <= 7 && (content.length > 1 || unused === 0);
    if (!padded || (content.length > 1 && last & ((1 << unused) - 1))) {
      this.fail('DER_VALUE', name, 'is a BIT STRING with unused bits that are not zero');
    }
    return content.subarray(1);
  }
}
