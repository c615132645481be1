import { equalBytes } from '../bytes.ts';
import { DerReader, type PathStep } from '../der/reader.ts';
import { CERTIFICATE_LIMITS } from '../der/limits.ts';
import { Tag } from '../der/tags.ts';
import { FormatError } from '../errors.ts';
import { OID } from '../oids.ts';
import { oidDer, readAlgorithm } from './algorithm.ts';
import type { Bytes, PublicKeyInfo } from './types.ts';

/** RFC 5280 §4.1.2.7. */
export function readPublicKey(reader: DerReader, name: PathStep): PublicKeyInfo {
  const start = reader.position;
  reader.enter(Tag.SEQUENCE, name);
  const algorithm = readAlgorithm(reader, 'algorithm');
  const key = reader.bitString('key');
  reader.leave();
  return { raw: reader.since(start), algorithm, key };
}

export function decodePublicKey(der: Bytes): PublicKeyInfo {
  const reader = new DerReader(der, 'publicKey', CERTIFICATE_LIMITS);
  const key = readPublicKey(reader, '');
  reader.finish();
  return key;
}

export type CurveName = 'P-256' | 'P-384' | 'P-521';

/** A public key in terms that a crypto library and a policy understand. */
export type KeyKind =
  | { readonly kind: 'ec'; readonly curve: CurveName }
  | {
      readonly kind: 'rsa';
      readonly bits: number;
      readonly exponent: bigint;
      /** Content octets of the INTEGER. */
      readonly modulus: Bytes;
      readonly pssOnly: boolean;
    }
  | { readonly kind: 'dsa' }
  | { readonly kind: 'ed25519' }
  | { readonly kind: 'ed448' }
  | { readonly kind: 'ml-dsa'; readonly set: 44 | 65 | 87 };

type Curve = {
  readonly parameters: Bytes;
  readonly octets: number;
  readonly kind: Extract<KeyKind, { readonly kind: 'ec' }>;
};

const CURVES: readonly Curve[] = [
  { parameters: oidDer(OID.p256), octets: 32, kind: { kind: 'ec', curve: 'P-256' } },
  { parameters: oidDer(OID.p384), octets: 48, kind: { kind: 'ec', curve: 'P-384' } },
  { parameters: oidDer(OID.p521), octets: 66, kind: { kind: 'ec', curve: 'P-521' } },
];

/** Kinds whose key is a string of fixed length: RFC 8032 §5, FIPS 204 table 2. */
const FIXED = new Map<string, readonly [KeyKind, octets: number]>([
  [OID.ed25519, [{ kind: 'ed25519' }, 32]],
  [OID.ed448, [{ kind: 'ed448' }, 57]],
  [OID.mlDsa44, [{ kind: 'ml-dsa', set: 44 }, 1312]],
  [OID.mlDsa65, [{ kind: 'ml-dsa', set: 65 }, 1952]],
  [OID.mlDsa87, [{ kind: 'ml-dsa', set: 87 }, 2592]],
]);

/**
 * What a public key is; undefined for an algorithm or a curve that we do not know. Throws X509_ALGORITHM when we know it
 * and the key has not the form that its RFC demands. That a point lies on its curve is for the crypto library to check.
 */
export function keyKind(publicKey: PublicKeyInfo): KeyKind | undefined {
  const { oid, parameters } = publicKey.algorithm;
  if (oid === OID.ecPublicKey) return ecKind(publicKey);
  if (oid === OID.rsaEncryption || oid === OID.rsaPss) return rsaKind(publicKey.key, oid === OID.rsaPss);
  if (oid === OID.dsa) return { kind: 'dsa' };
  const fixed = FIXED.get(oid);
  if (fixed === undefined) return undefined;
  const [kind, octets] = fixed;
  if (parameters !== undefined) throw keyError('algorithm.parameters', 'should be absent');
  if (publicKey.key.length !== octets) throw keyError('key', `should be ${octets} octets long`);
  return kind;
}

/** RFC 5480 §2.1.1 (named curves only) and §2.2 (a point, compressed or not). */
function ecKind({ algorithm, key }: PublicKeyInfo): KeyKind | undefined {
  const { parameters } = algorithm;
  if (parameters?.[0] !== Tag.OID) throw keyError('algorithm.parameters', 'should name a curve');
  const curve = CURVES.find((known) => equalBytes(known.parameters, parameters));
  if (curve === undefined) return undefined;
  const plain = key[0] === 4 && key.length === 1 + 2 * curve.octets;
  const compressed = (key[0] === 2 || key[0] === 3) && key.length === 1 + curve.octets;
  if (!plain && !compressed) throw keyError('key', `is no point of ${curve.kind.curve}`);
  return curve.kind;
}

// 16,384 bits: larger keys are no safer, and checking a signature with one is a way to keep us busy.
const MAX_RSA_OCTETS = 2049;

/** RFC 8017 §A.1.1. */
function rsaKind(key: Bytes, pssOnly: boolean): KeyKind {
  const reader = new DerReader(key, 'publicKey.key', CERTIFICATE_LIMITS);
  reader.enter(Tag.SEQUENCE, '');
  const modulus = reader.integer('modulus');
  const exponent = reader.bigInteger('exponent', MAX_RSA_OCTETS);
  reader.leave();
  reader.finish();
  if (modulus[0]! >= 0x80 || modulus.length > MAX_RSA_OCTETS) throw keyError('key.modulus', 'is negative or too large');
  const first = modulus[0] === 0 ? (modulus[1] ?? 0) : modulus[0]!;
  const octets = modulus[0] === 0 ? modulus.length - 1 : modulus.length;
  if ((modulus.at(-1)! & 1) === 0) throw keyError('key.modulus', 'is even');
  if (exponent < 3n || (exponent & 1n) === 0n) throw keyError('key.exponent', 'should be odd and at least 3');
  return { kind: 'rsa', bits: octets * 8 - (Math.clz32(first) - 24), exponent, modulus, pssOnly };
}

function keyError(path: string, message: string): FormatError {
  return new FormatError('X509_ALGORITHM', `publicKey.${path}`, message);
}
