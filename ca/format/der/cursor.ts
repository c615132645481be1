import { FormatError, type FormatCode } from '../errors.ts';
import type { Bytes } from '../x509/types.ts';
import type { DerLimits } from './limits.ts';
import { tagName } from './tags.ts';

/** A step of the path to an element: the name of a field, or the index in a list. '' adds nothing. */
export type PathStep = string | number;

/**
 * A cursor over one input, which `enter` moves into an element and `leave` moves out of it again: tags, lengths, nesting
 * and limits (X.690 §8.1, §10.1), and nothing of what elements mean. It makes no objects of its own while it walks, and
 * names an element only when it has to refuse it.
 */
export class DerCursor {
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
}
