import type { Bytes } from '@licet/format';

/** Bytes as a key of a Map: one character for each byte. */
export function bytesKey(bytes: Bytes): string {
  let key = '';
  // String.fromCharCode takes its arguments from the stack: in pieces, or a large input overflows it.
  for (let i = 0; i < bytes.length; i += 4096)
    key += Reflect.apply(String.fromCharCode, undefined, bytes.subarray(i, i + 4096));
  return key;
}
