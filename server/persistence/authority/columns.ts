/** Turns a batch into one array per column, which `unnest` turns into rows again: one statement for any number. */
export function columns<T>(items: readonly T[], ...pick: readonly ((item: T) => unknown)[]): unknown[][] {
  return pick.map((value) => items.map((item) => value(item)));
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
