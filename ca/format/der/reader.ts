import { FormatError, type FormatCode } from '../errors.ts';
import type { Bytes } from '../x509/types.ts';
import type { DerLimits } from './limits.ts';
import { readOid } from './oid.ts';
import { Tag, tagName } from './tags.ts';

/** A step of the path to an element: the name of a field, or the index in a list. '' adds nothing. */
export type PathStep = string | number;

/**
 * A strict DER reader (X.690 §10, §11): one cursor over one input, which `enter` moves into an element and `leave` moves
 * out of it again. It makes no objects of its own while it walks, and names an element only when it has to refuse it.
 */
export class DerReader {
  readonly bytes: Bytes;
  /** Where the next element starts. */
  position = 0;
  /** Where the element that we are in ends. */
  end: number;
  private nodes = 0;
  private readonly limits: DerLimits;
  private readonly ends: number[] = [];
  private readonly steps: PathStep[];

  constructor(bytes: Bytes, root: string, limits: DerLimits) {
    this.bytes = bytes;
    this.end = bytes.length;
    this.limits = limits;
    this.steps = [root];
    if (bytes.length > limits.size) {
      this.fail('DER_LIMIT', '', `is ${bytes.length} bytes long, at most ${limits.size} are accepted`);
    }
    if (bytes.length === 0) this.fail('DER_TRUNCATED', '', 'is empty');
  }

  /** Refuses the element `name` of the one that we are in. */
  fail(code: FormatCode, name: PathStep, message: string): never {
    let path = '';
    for (const step of [...this.steps, name]) {
      if (typeof step === 'number') path += `[${step}]`;
      else if (step !== '') path += path === '' ? step : `.${step}`;
    }
    throw new FormatError(code, path, message);
  }

  /** The tag of the next element, or -1 at the end of the one that we are in. */
  peek(): number {
    return this.position < this.end ? this.bytes[this.position]! : -1;
  }

  /** Moves into the next element. Also into an OCTET STRING that holds DER. */
  enter(tag: number, name: PathStep): void {
    const end = this.header(tag, name);
    if (this.ends.length >= this.limits.depth) {
      this.fail('DER_LIMIT', name, `stands deeper than ${this.limits.depth} elements`);
    }
    this.ends.push(this.end);
    this.steps.push(name);
    this.end = end;
  }

  /** As `enter`, for an optional element. */
  enterIf(tag: number, name: PathStep): boolean {
    if (this.peek() !== tag) return false;
    this.enter(tag, name);
    return true;
  }

  /** Moves out of an element, which must have been read to its end. */
  leave(): void {
    if (this.position !== this.end) {
      this.fail('DER_TRAILING', '', `holds ${this.end - this.position} bytes after its last element`);
    }
    this.end = this.ends.pop()!;
    this.steps.pop();
  }

  /** After the outermost element: nothing may follow it. */
  finish(): void {
    if (this.position !== this.bytes.length) {
      this.fail('DER_TRAILING', '', `is followed by ${this.bytes.length - this.position} more bytes`);
    }
  }

  /** Moves past a primitive element and gives a view of its content. */
  content(tag: number, name: PathStep): Bytes {
    const end = this.header(tag, name);
    const content = this.bytes.subarray(this.position, end);
    this.position = end;
    return content;
  }

  /** Moves past the next element when it is this one, which stands for `nodes` elements, byte for byte. */
  passIf(element: Bytes, nodes: number): boolean {
    const { bytes, position } = this;
    if (element.length > this.end - position) return false;
    for (let i = 0; i < element.length; i += 1) if (bytes[position + i] !== element[i]) return false;
    this.nodes += nodes;
    this.position += element.length;
    return true;
  }

  /** The bytes from `start`, a position noted before, to here. */
  since(start: number): Bytes {
    return this.bytes.subarray(start, this.position);
  }

  /**
   * Moves past the next element of tag `tag` without looking inside. Only for elements that a parser of their own will
   * read: their inside is unchecked.
   */
  skip(tag: number, name: PathStep): void {
    this.position = this.header(tag, name);
  }

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

  /** Reads a header with this tag: `position` is then at the content, and the result is where the content ends. */
  header(tag: number, name: PathStep): number {
    const { bytes, end } = this;
    const at = this.position;
    if (at >= end || bytes[at] !== tag) {
      const found = at >= end ? 'nothing' : tagName(bytes[at]!);
      this.fail('DER_TAG', name, `should be ${tagName(tag)}, found ${found}`);
    }
    this.nodes += 1;
    if (this.nodes > this.limits.nodes) this.fail('DER_LIMIT', name, `is element ${this.nodes}, too many`);
    const first = at + 1 < end ? bytes[at + 1]! : -1;
    const length = first < 0x80 ? first : this.longLength(at + 1, name);
    this.position = at + (first < 0x80 ? 2 : 2 + (first & 0x7f));
    if (length < 0 || length > end - this.position) {
      this.fail('DER_TRUNCATED', name, `claims more bytes than there are`);
    }
    return this.position + length;
  }

  /** X.690 §10.1: definite, and in the fewest octets. */
  private longLength(at: number, name: PathStep): number {
    const { bytes, end } = this;
    const octets = bytes[at]! & 0x7f;
    if (octets === 0) this.fail('DER_LENGTH', name, 'has an indefinite length');
    if (octets > 4) this.fail('DER_LENGTH', name, 'has a length of more than four octets');
    if (octets > end - at - 1) this.fail('DER_TRUNCATED', name, 'ends within its length');
    let length = 0;
    for (let i = 1; i <= octets; i += 1) length = length * 256 + bytes[at + i]!;
    if (length < 0x80 || bytes[at + 1] === 0) this.fail('DER_LENGTH', name, 'has a length that is not minimal');
    return length;
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
