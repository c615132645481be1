import { createHash, timingSafeEqual } from 'node:crypto';
import type { Random } from '../ports/random.ts';

/**
 * Secrets that we make: 256 random bits that look like `licet_api_…`, so that people and secret scanners know them when
 * they see one. Opaque on purpose and not signed: what is known of a secret is one indexed row, so that revoking it
 * holds at once, there is no key to lose and no algorithm to confuse.
 */
export type SecretKind = 'api' | 'session' | 'refresh' | 'invite' | 'state' | 'browser';

const ENTROPY = 32;
const CHECK = 4;
/** 36 bytes in base 62. */
const LENGTH = 49;
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const FORM = new RegExp(`^licet_(api|session|refresh|invite|state|browser)_([0-9A-Za-z]{${LENGTH}})$`);
/** How much of a token is kept readable, to tell one from another: too little to help a guess. */
const SHOWN = 4;

export function newSecret(kind: SecretKind, random: Random): string {
  const entropy = random.bytes(ENTROPY);
  return `licet_${kind}_${base62(Buffer.concat([entropy, checksum(kind, entropy)]))}`;
}

/** Whether a text can be a secret of this kind at all: the checksum is public, so a typing error costs no look-up. */
export function isSecret(kind: SecretKind, text: string): boolean {
  const [, found, digits] = FORM.exec(text) ?? [];
  if (found !== kind || digits === undefined) return false;
  const bytes = fromBase62(digits);
  if (bytes === undefined) return false;
  return checksum(kind, bytes.subarray(0, ENTROPY)).equals(bytes.subarray(ENTROPY));
}

/** What is stored: with 256 random bits behind it there is nothing to try out, so no slow hash is needed. */
export const hashSecret = (secret: string): string => createHash('sha256').update(secret).digest('hex');

export const recognition = (secret: string): string => secret.slice(0, secret.lastIndexOf('_') + 1 + SHOWN);

/** In the same time wherever they differ. */
export function sameHash(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one, 'hex'), Buffer.from(other, 'hex')];
  return a.length === 32 && a.length === b.length && timingSafeEqual(a, b);
}

function checksum(kind: SecretKind, entropy: Uint8Array): Buffer {
  return createHash('sha256').update(`licet ${kind}`).update(entropy).digest().subarray(0, CHECK);
}

function base62(bytes: Buffer): string {
  let value = BigInt(`0x${bytes.toString('hex')}`);
  let text = '';
  for (let at = 0; at < LENGTH; at++) {
    text = (DIGITS[Number(value % 62n)] ?? '') + text;
    value /= 62n;
  }
  return text;
}

function fromBase62(text: string): Buffer | undefined {
  let value = 0n;
  for (const digit of text) value = value * 62n + BigInt(DIGITS.indexOf(digit));
  const hex = value.toString(16).padStart(2 * (ENTROPY + CHECK), '0');
  return hex.length === 2 * (ENTROPY + CHECK) ? Buffer.from(hex, 'hex') : undefined;
}
