/** A JSON object that was read from a file, field by field. Throws RangeError naming what is not as it should be. */
export class JsonObject {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #seen = new Set<string>();

  constructor(value: unknown) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new RangeError('This is no object.');
    this.#fields = { ...value };
  }

  static parse(text: string): JsonObject {
    try {
      return new JsonObject(JSON.parse(text));
    } catch (error) {
      // The text may hold what must not be shown, and the error of JSON.parse quotes it.
      if (error instanceof SyntaxError) throw new RangeError('This is no JSON.');
      throw error;
    }
  }

  text(name: string, pattern = /^/): string {
    const value = this.#take(name);
    if (typeof value !== 'string' || !pattern.test(value)) throw new RangeError(`"${name}" is not as it should be.`);
    return value;
  }

  word<Word extends string>(name: string, words: readonly Word[]): Word {
    const value = this.#take(name);
    const word = words.find((known) => known === value);
    if (word === undefined) throw new RangeError(`"${name}" is none of ${words.join(', ')}.`);
    return word;
  }

  integer(name: string, from: number, to: number): number {
    const value = this.#take(name);
    if (typeof value !== 'number' || !Number.isInteger(value) || value < from || value > to) {
      throw new RangeError(`"${name}" is no whole number from ${from} to ${to}.`);
    }
    return value;
  }

  date(name: string): Date {
    return new Date(this.text(name, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/));
  }

  bytes(name: string): Uint8Array {
    return new Uint8Array(Buffer.from(this.text(name, /^[A-Za-z0-9+/]*={0,2}$/), 'base64'));
  }

  object(name: string): JsonObject {
    return new JsonObject(this.#take(name));
  }

  objects(name: string): JsonObject[] {
    const value = this.#take(name);
    if (!Array.isArray(value)) throw new RangeError(`"${name}" is no list.`);
    return value.map((item) => new JsonObject(item));
  }

  texts(name: string): Record<string, string> {
    const inner = this.object(name);
    return Object.fromEntries(Object.keys(inner.#fields).map((field) => [field, inner.text(field)]));
  }

  optional<T>(name: string, read: (name: string) => T): T | undefined {
    return this.#fields[name] === undefined ? undefined : read(name);
  }

  /** Nothing may stand there that nobody read. */
  finish(): void {
    const strange = Object.keys(this.#fields).find((name) => !this.#seen.has(name));
    if (strange !== undefined) throw new RangeError(`"${strange}" is unknown.`);
  }

  #take(name: string): unknown {
    this.#seen.add(name);
    return this.#fields[name];
  }
}
