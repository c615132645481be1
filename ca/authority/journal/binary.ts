/** Fields side by side, lengths in front: what journal lines and the signer's frames are made of. Big-endian. */
export class ByteWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(capacity = 4096) {
    this.#buffer = Buffer.allocUnsafe(capacity);
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    this.#length = this.#room(1).writeUInt8(value, this.#length);
    return this;
  }

  u32(value: number): this {
    this.#length = this.#room(4).writeUInt32BE(value, this.#length);
    return this;
  }

  u64(value: bigint): this {
    this.#length = this.#room(8).writeBigUInt64BE(value, this.#length);
    return this;
  }

  date(value: Date): this {
    this.#length = this.#room(8).writeDoubleBE(value.getTime(), this.#length);
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.#room(bytes.length).set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  bytes(bytes: Uint8Array): this {
    return this.u32(bytes.length).raw(bytes);
  }

  text(value: string): this {
    const size = Buffer.byteLength(value);
    this.u32(size);
    this.#length += this.#room(size).write(value, this.#length);
    return this;
  }

  /** Presence first, so that absent and empty differ. */
  optional<T>(value: T | undefined, write: (writer: this, value: T) => void): this {
    this.u8(value === undefined ? 0 : 1);
    if (value !== undefined) write(this, value);
    return this;
  }

  /** For a field that is known only once what follows it is written. */
  patchU32(offset: number, value: number): void {
    this.#buffer.writeUInt32BE(value, offset);
  }

  /** A view, good until the next write. */
  view(from = 0): Buffer {
    return this.#buffer.subarray(from, this.#length);
  }

  #room(size: number): Buffer {
    const needed = this.#length + size;
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
      larger.set(this.view());
      this.#buffer = larger;
    }
    return this.#buffer;
  }
}

/** Reads what `ByteWriter` wrote. Views into the input, never copies. Throws RangeError at the end of the input. */
export class ByteReader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get done(): boolean {
    return this.#at === this.#buffer.length;
  }

  u8(): number {
    return this.#buffer.readUInt8(this.#step(1));
  }

  u32(): number {
    return this.#buffer.readUInt32BE(this.#step(4));
  }

  u64(): bigint {
    return this.#buffer.readBigUInt64BE(this.#step(8));
  }

  date(): Date {
    return new Date(this.#buffer.readDoubleBE(this.#step(8)));
  }

  raw(length: number): Buffer {
    const from = this.#step(length);
    return this.#buffer.subarray(from, from + length);
  }

  bytes(): Buffer {
    return this.raw(this.u32());
  }

  text(): string {
    return this.bytes().toString('utf8');
  }

  optional<T>(read: (reader: this) => T): T | undefined {
    return this.u8() === 0 ? undefined : read(this);
  }

  #step(length: number): number {
    const from = this.#at;
    if (from + length > this.#buffer.length) throw new RangeError('The bytes end before the field does.');
    this.#at = from + length;
    return from;
  }
}
