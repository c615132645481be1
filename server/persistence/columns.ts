/** An array as PostgreSQL reads it: of bytes in its binary form, which is half as long, of all else as text. */
export type Column = string | Buffer;

/**
 * Turns a batch into one array per column, which `unnest` turns into rows again: one statement for any number. The arrays
 * are written here: `pg` would take each element through a chain of regular expressions, which is a good part of what an
 * issued license costs.
 */
export function columns<T>(items: readonly T[], ...pick: readonly ((item: T) => unknown)[]): Column[] {
  return pick.map((value) => {
    const values = items.map(value);
    return values.some(isBytes) ? arrayOfBytes(values) : `{${values.map(element).join(',')}}`;
  });
}

const isBytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array;
const isNull = (value: unknown): value is null | undefined => value === null || value === undefined;

function element(value: unknown): string {
  if (isNull(value)) return 'NULL';
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (value instanceof Date) return value.toISOString();
  throw new TypeError(`A column of ${typeof value} has no form in SQL here.`);
}

// PostgreSQL 15, 8.15.6: in quotes, a quote and a backslash have a backslash before them. JSON writes them so too, and
// is written by native code, but has other words for control characters and halves of a surrogate pair.
const SPECIAL = /["\\]/;
const OTHER_IN_JSON = /[\p{Cc}\p{Cs}]/u;

function quoted(text: string): string {
  if (!SPECIAL.test(text)) return `"${text}"`;
  return OTHER_IN_JSON.test(text) ? `"${text.replaceAll(/["\\]/g, '\\$&')}"` : JSON.stringify(text);
}

/** Of `bytea`, in PostgreSQL's catalog. */
const BYTEA = 17;

/** As `array_recv` reads it: one dimension, whether there are nulls, of what, how many, from 1; then each with its length. */
function arrayOfBytes(values: readonly unknown[]): Buffer {
  const parts = values.map((value) => {
    if (isBytes(value) || isNull(value)) return value;
    throw new TypeError(`A column of bytes holds a ${typeof value}.`);
  });
  const array = Buffer.allocUnsafe(20 + parts.reduce((size, part) => size + 4 + (part?.length ?? 0), 0));
  let at = 0;
  const put = (number: number): void => void (at = array.writeInt32BE(number, at));
  for (const number of [1, parts.some(isNull) ? 1 : 0, BYTEA, parts.length, 1]) put(number);
  for (const part of parts) {
    put(part?.length ?? -1);
    if (!part) continue;
    array.set(part, at);
    at += part.length;
  }
  return array;
}

/** `pg` writes a Buffer as bytea and any other view as something else. */
export function bytea(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A key for maps, of bytes that are the same whatever view they come in. */
export function hex(bytes: Uint8Array): string {
  return bytea(bytes).toString('hex');
}

/** Without the ways of a Buffer: the domain knows bytes only. */
export const plain = (buffer: Buffer): Uint8Array =>
  new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
