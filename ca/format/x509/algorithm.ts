import { concatBytes } from '../bytes.ts';
import { encodeOid } from '../der/oid.ts';
import { DerReader, type PathStep } from '../der/reader.ts';
import { CERTIFICATE_LIMITS } from '../der/limits.ts';
import { explicit, Tag } from '../der/tags.ts';
import { DerWriter } from '../der/writer.ts';
import { FormatError } from '../errors.ts';
import { OID } from '../oids.ts';
import type { AlgorithmIdentifier, Bytes } from './types.ts';

/** RFC 5280 §4.1.1.2. */
export function readAlgorithm(reader: DerReader, name: PathStep): AlgorithmIdentifier {
  for (const common of COMMON) if (reader.passIf(common.raw, common.parameters === undefined ? 2 : 3)) return common;
  const start = reader.position;
  reader.enter(Tag.SEQUENCE, name);
  const oid = reader.oid('algorithm');
  const parameters = reader.peek() === -1 ? undefined : reader.any('parameters');
  reader.leave();
  return { oid, parameters, raw: reader.since(start) };
}

const NULL: Bytes = Uint8Array.of(Tag.NULL, 0);

/** Makes an AlgorithmIdentifier; `parameters` is their DER. */
export function createAlgorithm(oid: string, parameters?: Bytes | 'null'): AlgorithmIdentifier {
  const der = parameters === 'null' ? NULL : parameters;
  const writer = new DerWriter(64).open(Tag.SEQUENCE).oid(oid);
  if (der !== undefined) writer.raw(der);
  return { oid, parameters: der, raw: writer.close().finish() };
}

/** An element of less than 128 octets. By hand: a verifier has no other use for the writer and leaves it out. */
function short(tag: number, ...content: readonly Bytes[]): Bytes {
  const whole = concatBytes(...content);
  return concatBytes(Uint8Array.of(tag, whole.length), whole);
}

/** The whole element, as it stands in the parameters of a key of an elliptic curve. */
export function oidDer(oid: string): Bytes {
  return short(Tag.OID, encodeOid(oid));
}

function common(oid: string, parameters?: Bytes): AlgorithmIdentifier {
  return { oid, parameters, raw: short(Tag.SEQUENCE, oidDer(oid), parameters ?? new Uint8Array()) };
}

/** Nearly every certificate names three of these, so they are made once. */
const COMMON: readonly AlgorithmIdentifier[] = [
  common(OID.ecdsaWithSha256),
  common(OID.ecPublicKey, oidDer(OID.p256)),
  common(OID.ecdsaWithSha384),
  common(OID.ecPublicKey, oidDer(OID.p384)),
  common(OID.sha256WithRsa, NULL),
  common(OID.rsaEncryption, NULL),
  common(OID.ed25519),
];

export type HashName = 'md5' | 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512';

/** A signature algorithm in terms that a crypto library understands. */
export type SignatureScheme =
  | { readonly kind: 'ecdsa'; readonly hash: HashName }
  | { readonly kind: 'rsa-pkcs1'; readonly hash: HashName }
  | { readonly kind: 'rsa-pss'; readonly hash: HashName; readonly saltLength: number }
  | { readonly kind: 'dsa'; readonly hash: HashName }
  | { readonly kind: 'ed25519' }
  | { readonly kind: 'ed448' }
  | { readonly kind: 'ml-dsa'; readonly set: 44 | 65 | 87 };

/** What may stand as parameters: RFC 4055 §5 for RSA, RFC 5758 §3 and RFC 8410 §3 for the others. */
type Parameters = 'absent' | 'null or absent';

const FIXED = new Map<string, readonly [Parameters, SignatureScheme]>([
  [OID.md5WithRsa, ['null or absent', { kind: 'rsa-pkcs1', hash: 'md5' }]],
  [OID.sha1WithRsa, ['null or absent', { kind: 'rsa-pkcs1', hash: 'sha1' }]],
  [OID.sha224WithRsa, ['null or absent', { kind: 'rsa-pkcs1', hash: 'sha224' }]],
  [OID.sha256WithRsa, ['null or absent', { kind: 'rsa-pkcs1', hash: 'sha256' }]],
  [OID.sha384WithRsa, ['null or absent', { kind: 'rsa-pkcs1', hash: 'sha384' }]],
  [OID.sha512WithRsa, ['null or absent', { kind: 'rsa-pkcs1', hash: 'sha512' }]],
  [OID.ecdsaWithSha1, ['absent', { kind: 'ecdsa', hash: 'sha1' }]],
  [OID.ecdsaWithSha224, ['absent', { kind: 'ecdsa', hash: 'sha224' }]],
  [OID.ecdsaWithSha256, ['absent', { kind: 'ecdsa', hash: 'sha256' }]],
  [OID.ecdsaWithSha384, ['absent', { kind: 'ecdsa', hash: 'sha384' }]],
  [OID.ecdsaWithSha512, ['absent', { kind: 'ecdsa', hash: 'sha512' }]],
  [OID.dsaWithSha1, ['absent', { kind: 'dsa', hash: 'sha1' }]],
  [OID.dsaWithSha256, ['absent', { kind: 'dsa', hash: 'sha256' }]],
  [OID.ed25519, ['absent', { kind: 'ed25519' }]],
  [OID.ed448, ['absent', { kind: 'ed448' }]],
  [OID.mlDsa44, ['absent', { kind: 'ml-dsa', set: 44 }]],
  [OID.mlDsa65, ['absent', { kind: 'ml-dsa', set: 65 }]],
  [OID.mlDsa87, ['absent', { kind: 'ml-dsa', set: 87 }]],
]);

/**
 * What a signature algorithm stands for; undefined for one that we do not know. Throws X509_ALGORITHM when we know it and
 * its parameters are not what its RFC allows.
 */
export function signatureScheme(algorithm: AlgorithmIdentifier): SignatureScheme | undefined {
  if (algorithm.oid === OID.rsaPss) return readPss(algorithm);
  const fixed = FIXED.get(algorithm.oid);
  if (fixed === undefined) return undefined;
  const [allowed, scheme] = fixed;
  const { parameters } = algorithm;
  if (parameters === undefined || (allowed === 'null or absent' && isNull(parameters))) return scheme;
  throw new FormatError('X509_ALGORITHM', 'algorithm.parameters', `should be ${allowed} for ${algorithm.oid}`);
}

function isNull(der: Bytes): boolean {
  return der.length === 2 && der[0] === Tag.NULL && der[1] === 0;
}

const HASHES = new Map<string, HashName>([
  [OID.sha1, 'sha1'],
  [OID.sha224, 'sha224'],
  [OID.sha256, 'sha256'],
  [OID.sha384, 'sha384'],
  [OID.sha512, 'sha512'],
]);

// RFC 4055 §3.1: the defaults are SHA-1 with MGF1 of SHA-1, and a salt as long as a SHA-1 hash.
const PSS_DEFAULT_SALT = 20;
// What a key of 16,384 bits, the largest that we take, has room for: a salt that fills the key is a default of OpenSSL.
const PSS_MAX_SALT = 2048;

/** RSASSA-PSS-params, RFC 4055 §3.1. */
function readPss(algorithm: AlgorithmIdentifier): SignatureScheme {
  const reader = new DerReader(algorithm.raw, 'algorithm', CERTIFICATE_LIMITS);
  reader.enter(Tag.SEQUENCE, '');
  reader.oid('algorithm');
  // §3: "the parameters ... MUST be present" in a signature algorithm.
  if (reader.peek() === -1) reader.fail('X509_ALGORITHM', 'parameters', 'are missing for RSASSA-PSS');
  reader.enter(Tag.SEQUENCE, 'parameters');
  const hash = readPssHash(reader);
  const mask = readPssMask(reader);
  if (mask !== hash) reader.fail('X509_ALGORITHM', 'maskGen', `uses ${mask} and the signature ${hash}`);
  let saltLength = PSS_DEFAULT_SALT;
  if (reader.enterIf(explicit(2), 'saltLength')) {
    saltLength = reader.smallInteger('', PSS_MAX_SALT);
    if (saltLength === PSS_DEFAULT_SALT) reader.fail('DER_VALUE', '', 'is 20, the default, which DER leaves out');
    reader.leave();
  }
  // The trailer field has one value, its default, so that DER never shows it.
  if (reader.peek() !== -1) reader.fail('X509_ALGORITHM', 'trailer', 'is present');
  reader.leave();
  return { kind: 'rsa-pss', hash, saltLength };
}

function readPssHash(reader: DerReader): HashName {
  if (!reader.enterIf(explicit(0), 'hash')) return 'sha1';
  const hash = readHash(reader);
  reader.leave();
  return hash;
}

function readPssMask(reader: DerReader): HashName {
  if (!reader.enterIf(explicit(1), 'maskGen')) return 'sha1';
  reader.enter(Tag.SEQUENCE, '');
  const oid = reader.oid('algorithm');
  if (oid !== OID.mgf1) reader.fail('X509_ALGORITHM', 'algorithm', `${oid} is no mask that we know`);
  const hash = readHash(reader);
  reader.leave();
  reader.leave();
  return hash;
}

function readHash(reader: DerReader): HashName {
  const { oid, parameters } = readAlgorithm(reader, '');
  const hash = HASHES.get(oid);
  if (hash === undefined) reader.fail('X509_ALGORITHM', '', `${oid} is no hash that we know`);
  if (hash === 'sha1') reader.fail('DER_VALUE', '', 'is SHA-1, the default, which DER leaves out');
  if (parameters !== undefined && !isNull(parameters)) reader.fail('X509_ALGORITHM', 'parameters', 'should be NULL');
  return hash;
}
