/**
 * Turns a batch into one array per column, which `unnest` turns into rows again: one statement for any number. The arrays
 * are written here as PostgreSQL reads them: `pg` would take each element through a chain of regular expressions, which
 * is a good part of what an issued license costs.
 */
export function columns<T>(items: readonly T[], ...pick: readonly ((item: T) => unknown)[]): string[] {
  return pick.map((value) => `{${items.map((item) => element(value(item))).join(',')}}`);
}

function element(value: unknown): string {
  if (value === null || value === undefined) return 'NULL';
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return `\\\\x${hex(value)}`;
  throw new TypeError(`A column of ${typeof value} has no form in SQL here.`);
}

// PostgreSQL 15, 8.15.6: in quotes, a quote and a backslash have a backslash before them.
function quoted(text: string): string {
  const plain = text.includes('"') || text.includes('\\') ? text.replaceAll(/["\\]/g, '\\$&') : text;
  return `"${plain}"`;
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
