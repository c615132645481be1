import { type Bytes, DerReader, OID, type PublicKeyInfo, Tag } from '@licet/format';
import type { Scheme } from './schemes.ts';

export type Curve = 'P-256' | 'P-384' | 'P-521';

/** What a key can do, read from its SubjectPublicKeyInfo. */
export type KeyKind =
  | { readonly kind: 'ec'; readonly curve: Curve }
  | { readonly kind: 'rsa'; readonly bits: number; readonly exponentBits: number; readonly exponentOdd: boolean }
  | { readonly kind: 'ed25519' }
  | { readonly kind: 'ml-dsa'; readonly level: 44 | 65 | 87 };

const CURVES: Readonly<Record<string, { readonly curve: Curve; readonly octets: number }>> = {
  [OID.p256]: { curve: 'P-256', octets: 32 },
  [OID.p384]: { curve: 'P-384', octets: 48 },
  [OID.p521]: { curve: 'P-521', octets: 66 },
};

const ML_DSA: Readonly<Record<string, 44 | 65 | 87>> = { [OID.mlDsa44]: 44, [OID.mlDsa65]: 65, [OID.mlDsa87]: 87 };

const READ = { size: 64 * 1024, depth: 4, nodes: 16 };

/** RSA below this is breakable by those who can spend enough (NIST SP 800-57 part 1, table 2: 112 bits). */
const RSA_LEAST_BITS = 2048;
/** Above it a single verification takes milliseconds: a way to stall a verifier rather than a way to be safe. */
const RSA_MOST_BITS = 16_384;
/** Even with weak algorithms allowed: shorter ones are broken on a desk. */
const RSA_WEAK_BITS = 1024;
/** FIPS 186-5 §5.1: 2^16 < e < 2^256, odd. We also take the fast exponent 3, which is sound with strict padding checks. */
const EXPONENT_MOST_BITS = 256;

const kinds = new WeakMap<PublicKeyInfo, KeyKind | 'unknown'>();

export function keyKind(key: PublicKeyInfo): KeyKind | undefined {
  let kind = kinds.get(key);
  if (kind === undefined) {
    kind = readKind(key) ?? 'unknown';
    kinds.set(key, kind);
  }
  return kind === 'unknown' ? undefined : kind;
}

function readKind({ algorithm, key }: PublicKeyInfo): KeyKind | undefined {
  switch (algorithm.oid) {
    case OID.ecPublicKey:
      return readCurve(algorithm.parameters, key);
    case OID.rsaEncryption:
    case OID.rsaPss:
      return readRsa(key);
    case OID.ed25519:
      return algorithm.parameters === undefined && key.length === 32 ? { kind: 'ed25519' } : undefined;
    default: {
      const level = ML_DSA[algorithm.oid];
      return level === undefined || algorithm.parameters !== undefined ? undefined : { kind: 'ml-dsa', level };
    }
  }
}

/** RFC 5480 §2.1.1: only named curves, since explicit parameters let a forger choose the generator (CVE-2020-0601). */
function readCurve(parameters: Bytes | undefined, point: Bytes): KeyKind | undefined {
  if (parameters === undefined || parameters[0] !== Tag.OID) return undefined;
  try {
    const known = CURVES[new DerReader(parameters, 'curve', READ).oid('')];
    if (known === undefined) return undefined;
    const uncompressed = point[0] === 4 && point.length === 1 + 2 * known.octets;
    const compressed = (point[0] === 2 || point[0] === 3) && point.length === 1 + known.octets;
    return uncompressed || compressed ? { kind: 'ec', curve: known.curve } : undefined;
  } catch {
    return undefined;
  }
}

function readRsa(key: Bytes): KeyKind | undefined {
  try {
    const reader = new DerReader(key, 'key', READ);
    reader.enter(Tag.SEQUENCE, '');
    const modulus = reader.integer('modulus');
    const exponent = reader.integer('exponent');
    reader.leave();
    reader.finish();
    const exponentOdd = (exponent.at(-1)! & 1) === 1;
    return { kind: 'rsa', bits: bitLength(modulus), exponentBits: bitLength(exponent), exponentOdd };
  } catch {
    return undefined;
  }
}

/** Of a positive INTEGER; 0 for a negative one. */
function bitLength(content: Bytes): number {
  if (content[0]! >= 0x80) return 0;
  const octets = content[0] === 0 ? content.subarray(1) : content;
  return octets.length === 0 ? 0 : octets.length * 8 - Math.clz32(octets[0]!) + 24;
}

/** Whether we would trust what this key signs, or what is agreed with it. */
export function isAcceptableKey(kind: KeyKind, allowWeak: boolean): boolean {
  if (kind.kind !== 'rsa') return true;
  const exponent = kind.exponentOdd && kind.exponentBits >= 2 && kind.exponentBits <= EXPONENT_MOST_BITS;
  const least = allowWeak ? RSA_WEAK_BITS : RSA_LEAST_BITS;
  // A size that is no whole number of octets comes from home-made generators only (the Web PKI forbids it).
  const whole = allowWeak || kind.bits % 8 === 0;
  return exponent && whole && kind.bits >= least && kind.bits <= RSA_MOST_BITS;
}

const KEY_FOR: Readonly<Record<Scheme['kind'], KeyKind['kind']>> = {
  ecdsa: 'ec',
  'rsa-pkcs1': 'rsa',
  'rsa-pss': 'rsa',
  ed25519: 'ed25519',
  'ml-dsa': 'ml-dsa',
};

/** A key that is not of the kind of the algorithm cannot have made the signature. */
export function fits(key: PublicKeyInfo, kind: KeyKind, scheme: Scheme): boolean {
  if (KEY_FOR[scheme.kind] !== kind.kind) return false;
  if (scheme.kind === 'ml-dsa' && kind.kind === 'ml-dsa') return scheme.level === kind.level;
  // RFC 4055 §1.2: a key that is marked for PSS signs nothing else.
  return scheme.kind !== 'rsa-pkcs1' || key.algorithm.oid === OID.rsaEncryption;
}
