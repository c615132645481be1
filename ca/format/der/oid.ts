import { OID } from '../oids.ts';
import type { Bytes } from '../x509/types.ts';

// Longer than any identifier in use (ours takes 29 octets); the conversion of long components is quadratic.
const MAX_OCTETS = 128;
const MAX_SAFE_BEFORE_SHIFT = 2 ** 46;

type Known = { readonly oid: string; readonly content: Bytes };

/** The content octets of an OBJECT IDENTIFIER. X.690 §8.19. */
export function encodeOid(oid: string): Bytes {
  return KNOWN_BY_TEXT.get(oid) ?? encodeComponents(oid);
}

function encodeComponents(oid: string): Bytes {
  if (!/^[012](\.(0|[1-9]\d*))+$/.test(oid)) throw new TypeError(`"${oid}" is no object identifier`);
  const [first, second, ...rest] = oid.split('.').map(BigInt) as [bigint, bigint, ...bigint[]];
  if (first < 2n && second > 39n) throw new TypeError(`"${oid}" is no object identifier`);
  const octets: number[] = [];
  for (const component of [first * 40n + second, ...rest]) {
    const reversed = [Number(component & 0x7fn)];
    for (let left = component >> 7n; left > 0n; left >>= 7n) reversed.push(Number(left & 0x7fn) | 0x80);
    octets.push(...reversed.toReversed());
  }
  return Uint8Array.from(octets);
}

/**
 * The identifier in these content octets, or undefined when they are none. Nearly all that occur are of our table, and
 * for these no text is built: a certificate holds some thirty, and building them took longer than all else.
 */
export function readOid(bytes: Bytes, start: number, end: number): string | undefined {
  for (const known of KNOWN_BY_HASH[hash(bytes, start, end)] ?? []) {
    if (equalAt(known.content, bytes, start, end)) return known.oid;
  }
  return decodeComponents(bytes, start, end);
}

function decodeComponents(bytes: Bytes, start: number, end: number): string | undefined {
  if (start === end || end - start > MAX_OCTETS || bytes[end - 1]! >= 0x80) return undefined;
  let text = '';
  for (let at = start; at < end;) {
    if (bytes[at] === 0x80) return undefined;
    let component: number | bigint = 0;
    let octet;
    do {
      octet = bytes[at]!;
      at += 1;
      if (typeof component === 'number' && component >= MAX_SAFE_BEFORE_SHIFT) component = BigInt(component);
      component =
        typeof component === 'number' ? component * 128 + (octet & 0x7f) : component * 128n + BigInt(octet & 0x7f);
    } while (octet >= 0x80);
    text += text === '' ? firstTwo(component) : `.${component}`;
  }
  return text;
}

function firstTwo(component: number | bigint): string {
  if (component < 40) return `0.${component}`;
  if (component < 80) return `1.${Number(component) - 40}`;
  return `2.${typeof component === 'bigint' ? component - 80n : component - 80}`;
}

/** Identifiers of one document differ in their ends. */
function hash(bytes: Bytes, start: number, end: number): number {
  return ((end - start) * 41 + (bytes[end - 1] ?? 0) * 7 + (bytes[end - 2] ?? 0) * 59) & 0xff;
}

function equalAt(content: Bytes, bytes: Bytes, start: number, end: number): boolean {
  if (content.length !== end - start) return false;
  for (let i = content.length - 1; i >= 0; i -= 1) if (content[i] !== bytes[start + i]) return false;
  return true;
}

const KNOWN_BY_TEXT = new Map<string, Bytes>();
const KNOWN_BY_HASH: (Known[] | undefined)[] = Array.from({ length: 256 }, () => undefined);

for (const oid of Object.values(OID)) {
  const content = encodeComponents(oid);
  KNOWN_BY_TEXT.set(oid, content);
  const slot = hash(content, 0, content.length);
  (KNOWN_BY_HASH[slot] ??= []).push({ oid, content });
}
