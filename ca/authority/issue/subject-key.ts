import { createPublicKey, hash } from 'node:crypto';
import { type Bytes, FormatError, keyKind, type KeyKind, type PublicKeyInfo, toHex } from '@licet/format';
import { AuthorityError } from '../errors.ts';
import type { KeyAlgorithm } from '../ports/signer.ts';
import type { Profile } from '../profiles/profile.ts';
import { keyText } from './signatures.ts';
import { hasSmallFactor, isRocaModulus } from './weak-rsa.ts';

/** Longer ones would make every verifier of ours slow; nobody has them by accident. */
const RSA_MOST_BITS = 8192;
/** FIPS 186-5 §5.1. Smaller exponents are one careless padding check away from forgery. */
const RSA_LEAST_EXPONENT = 65_537n;
const RSA_MOST_EXPONENT = 2n ** 256n;

/** Refuses what the profile does not take, and what is known to be weak. RFC 5280 §4.1.2.7. */
export function checkSubjectKey(publicKey: PublicKeyInfo, profile: Profile): void {
  const kind = readKind(publicKey);
  const algorithm = kind && algorithmOf(kind, publicKey.key);
  if (kind === undefined || algorithm === undefined || !profile.subjectKeys.includes(algorithm)) {
    throw new AuthorityError(
      'KEY_WEAK',
      `Such a key (${kindText(kind, publicKey.key)}) is not accepted here; use one of ${profile.subjectKeys.join(', ')}.`,
    );
  }
  if (kind.kind === 'rsa') checkRsa(kind, profile);
}

function kindText(kind: KeyKind | undefined, bits: Bytes): string {
  if (kind === undefined) return 'of unknown kind or curve';
  if (kind.kind === 'ec') return bits[0] === 0x04 ? kind.curve : `a compressed point of ${kind.curve}`;
  return kind.kind === 'ml-dsa' ? `ML-DSA-${kind.set}` : kind.kind;
}

/** Undefined: of a kind that none of our keys has. */
export function keyAlgorithmOf(publicKey: PublicKeyInfo): KeyAlgorithm | undefined {
  const kind = readKind(publicKey);
  return kind && algorithmOf(kind, publicKey.key);
}

function readKind(publicKey: PublicKeyInfo): KeyKind | undefined {
  try {
    return keyKind(publicKey);
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    throw new AuthorityError('KEY_WEAK', `The public key is malformed: ${cause.message}`, { cause });
  }
}

/** What no verification of a signature has shown: that a key of this form can exist. */
export function checkExists(publicKey: PublicKeyInfo): void {
  try {
    createPublicKey(keyText(publicKey));
  } catch (cause) {
    throw cannotExist(cause);
  }
}

/** Its form is right, so this is a point that is not on its curve. */
export function cannotExist(cause: unknown): AuthorityError {
  return new AuthorityError('KEY_WEAK', 'The public key is none that can exist; make a new key.', { cause });
}

function algorithmOf(kind: KeyKind, bits: Bytes): KeyAlgorithm | undefined {
  switch (kind.kind) {
    case 'ec':
      // RFC 5480 §2.2: we take uncompressed points only, so that one key has one encoding and one hash.
      return bits[0] === 0x04 && kind.curve !== 'P-521' ? kind.curve : undefined;
    case 'rsa':
      return kind.pssOnly ? undefined : 'RSA-3072';
    case 'ed25519':
      return isSmallOrder(bits) ? undefined : 'Ed25519';
    case 'ml-dsa':
      return kind.set === 65 ? 'ML-DSA-65' : undefined;
    default:
      return undefined;
  }
}

function checkRsa({ bits, exponent, modulus: octets }: Extract<KeyKind, { kind: 'rsa' }>, { rsaBits }: Profile): void {
  const weak = (why: string) => new AuthorityError('KEY_WEAK', `The RSA key ${why}; make a new key.`);
  if (bits < rsaBits) throw weak(`has ${bits} bits, fewer than ${rsaBits}`);
  if (bits > RSA_MOST_BITS) throw weak(`has ${bits} bits, more than ${RSA_MOST_BITS}`);
  if (exponent < RSA_LEAST_EXPONENT || exponent > RSA_MOST_EXPONENT) {
    throw weak(`has the exponent ${exponent}, and only those from 65537 to 2^256 are safe`);
  }
  const modulus = BigInt(`0x${toHex(octets)}`);
  if (hasSmallFactor(modulus)) throw weak('is a product of small primes');
  if (isRocaModulus(modulus)) throw weak('was made by a generator whose keys can be computed (CVE-2017-15361)');
}

/**
 * The points of small order of Ed25519, in every encoding, without their sign bit: under such a key anybody can sign
 * some message (RFC 8032 §5.1.7 leaves the check to the caller).
 */
const SMALL_ORDER: ReadonlySet<string> = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]);

function isSmallOrder(bits: Bytes): boolean {
  const unsigned = Uint8Array.from(bits);
  unsigned[31]! &= 0x7f;
  return SMALL_ORDER.has(toHex(unsigned));
}

/** RFC 7093 §2 (1): the leftmost 160 bits of SHA-256 over the key's bits. Not SHA-1: nothing new should need it. */
export function keyIdentifierOf(publicKey: PublicKeyInfo): Bytes {
  return hash('sha256', publicKey.key, 'buffer').subarray(0, 20);
}
