import { FormatError, type KeyKind as AnyKeyKind, type PublicKeyInfo, keyKind as decodeKeyKind } from '@licet/format';
import type { Scheme } from './schemes.ts';

/** What a key is, of the kinds whose signatures we verify. */
export type KeyKind = Exclude<AnyKeyKind, { readonly kind: 'dsa' | 'ed448' }>;

/** RSA below this is breakable by those who can spend enough (NIST SP 800-57 part 1, table 2: 112 bits). */
const RSA_LEAST_BITS = 2048;
/** Even with weak algorithms allowed: shorter ones are broken on a desk. */
const RSA_WEAK_BITS = 1024;
/** FIPS 186-5 §5.1: e < 2^256, odd. We also take the fast exponent 3, which is sound with strict padding checks. */
const EXPONENT_MOST = 1n << 256n;

export function keyKind(key: PublicKeyInfo): KeyKind | undefined {
  try {
    const kind = decodeKeyKind(key);
    return kind?.kind === 'dsa' || kind?.kind === 'ed448' ? undefined : kind;
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** Whether we would trust what this key signs, or what is agreed with it. */
export function isAcceptableKey(kind: KeyKind, allowWeak: boolean): boolean {
  if (kind.kind !== 'rsa') return true;
  const { bits, exponent } = kind;
  const sound = (exponent & 1n) === 1n && exponent >= 3n && exponent < EXPONENT_MOST;
  // A size that is no whole number of octets comes from home-made generators only (the Web PKI forbids it).
  const whole = allowWeak || bits % 8 === 0;
  return sound && whole && bits >= (allowWeak ? RSA_WEAK_BITS : RSA_LEAST_BITS);
}

const KEY_FOR: Readonly<Record<Scheme['kind'], KeyKind['kind']>> = {
  ecdsa: 'ec',
  'rsa-pkcs1': 'rsa',
  'rsa-pss': 'rsa',
  ed25519: 'ed25519',
  'ml-dsa': 'ml-dsa',
};

/** A key that is not of the kind of the algorithm cannot have made the signature. */
export function fits(kind: KeyKind, scheme: Scheme): boolean {
  if (KEY_FOR[scheme.kind] !== kind.kind) return false;
  if (scheme.kind === 'ml-dsa' && kind.kind === 'ml-dsa') return scheme.set === kind.set;
  // RFC 4055 §1.2: a key that is marked for PSS signs nothing else.
  return scheme.kind !== 'rsa-pkcs1' || (kind.kind === 'rsa' && !kind.pssOnly);
}
