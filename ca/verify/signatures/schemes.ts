import { equalBytes, type AlgorithmIdentifier, type Bytes, DerReader, OID, Tag, explicit } from '@licet/format';

export type Hash = 'SHA-1' | 'SHA-224' | 'SHA-256' | 'SHA-384' | 'SHA-512';

/** How a signature is to be verified, read from its AlgorithmIdentifier. */
export type Scheme =
  | { readonly kind: 'ecdsa'; readonly hash: Hash }
  | { readonly kind: 'rsa-pkcs1'; readonly hash: Hash }
  | { readonly kind: 'rsa-pss'; readonly hash: Hash; readonly saltLength: number }
  | { readonly kind: 'ed25519' }
  | { readonly kind: 'ml-dsa'; readonly level: 44 | 65 | 87 };

const NULL = Uint8Array.of(Tag.NULL, 0);

/**
 * DSA is not among them: FIPS 186-5 withdrew it, and its inherited parameters (RFC 5280 §6.1.4 (d)) are a trap.
 * RFC 5758 §3.2, RFC 8410 §3, RFC 9881 §3: the parameters are absent. RFC 4055 §5: for RSA they are NULL.
 */
const SCHEMES: Readonly<Record<string, { readonly scheme: Scheme; readonly parameters: 'absent' | 'null' }>> = {
  [OID.ecdsaWithSha1]: { scheme: { kind: 'ecdsa', hash: 'SHA-1' }, parameters: 'absent' },
  [OID.ecdsaWithSha224]: { scheme: { kind: 'ecdsa', hash: 'SHA-224' }, parameters: 'absent' },
  [OID.ecdsaWithSha256]: { scheme: { kind: 'ecdsa', hash: 'SHA-256' }, parameters: 'absent' },
  [OID.ecdsaWithSha384]: { scheme: { kind: 'ecdsa', hash: 'SHA-384' }, parameters: 'absent' },
  [OID.ecdsaWithSha512]: { scheme: { kind: 'ecdsa', hash: 'SHA-512' }, parameters: 'absent' },
  [OID.sha1WithRsa]: { scheme: { kind: 'rsa-pkcs1', hash: 'SHA-1' }, parameters: 'null' },
  [OID.sha224WithRsa]: { scheme: { kind: 'rsa-pkcs1', hash: 'SHA-224' }, parameters: 'null' },
  [OID.sha256WithRsa]: { scheme: { kind: 'rsa-pkcs1', hash: 'SHA-256' }, parameters: 'null' },
  [OID.sha384WithRsa]: { scheme: { kind: 'rsa-pkcs1', hash: 'SHA-384' }, parameters: 'null' },
  [OID.sha512WithRsa]: { scheme: { kind: 'rsa-pkcs1', hash: 'SHA-512' }, parameters: 'null' },
  [OID.ed25519]: { scheme: { kind: 'ed25519' }, parameters: 'absent' },
  [OID.mlDsa44]: { scheme: { kind: 'ml-dsa', level: 44 }, parameters: 'absent' },
  [OID.mlDsa65]: { scheme: { kind: 'ml-dsa', level: 65 }, parameters: 'absent' },
  [OID.mlDsa87]: { scheme: { kind: 'ml-dsa', level: 87 }, parameters: 'absent' },
};

const PSS_HASHES: Readonly<Record<string, { readonly hash: Hash; readonly length: number }>> = {
  [OID.sha256]: { hash: 'SHA-256', length: 32 },
  [OID.sha384]: { hash: 'SHA-384', length: 48 },
  [OID.sha512]: { hash: 'SHA-512', length: 64 },
};

/** Hashes for which collisions can be made, or nearly so (RFC 6194, RFC 8017 appendix B.1). MD5 is not even read. */
const WEAK_HASHES: ReadonlySet<Hash> = new Set(['SHA-1']);

/** The scheme of an algorithm, or undefined when it is unknown or its parameters are not the right ones. */
export function readScheme(algorithm: AlgorithmIdentifier): Scheme | undefined {
  if (algorithm.oid === OID.rsaPss) return readPss(algorithm.parameters);
  const known = SCHEMES[algorithm.oid];
  if (known === undefined) return undefined;
  const { parameters } = algorithm;
  const right = known.parameters === 'absent' ? parameters === undefined : parameters && equalBytes(parameters, NULL);
  return right === true ? known.scheme : undefined;
}

/** Not for signatures that are to be trusted today, unless the caller says so. */
export function isWeakScheme(scheme: Scheme): boolean {
  return 'hash' in scheme && WEAK_HASHES.has(scheme.hash);
}

/**
 * RFC 4055 §3.1: RSASSA-PSS-params. The hash of MGF1 must be the hash of the message and the salt no shorter than it;
 * all defaults are SHA-1, so every field but the trailer has to be there.
 */
function readPss(parameters: Bytes | undefined): Scheme | undefined {
  if (parameters === undefined) return undefined;
  try {
    const reader = new DerReader(parameters, 'parameters', { size: 256, depth: 8, nodes: 32 });
    reader.enter(Tag.SEQUENCE, '');
    const hash = PSS_HASHES[wrapped(reader, 0, () => readHash(reader))];
    const mask = PSS_HASHES[wrapped(reader, 1, () => readMask(reader))];
    const saltLength = wrapped(reader, 2, () => reader.smallInteger('saltLength', 1024));
    if (reader.peek() === explicit(3)) wrapped(reader, 3, () => reader.smallInteger('trailerField', 1));
    reader.leave();
    reader.finish();
    if (hash === undefined || hash !== mask || saltLength < hash.length) return undefined;
    return { kind: 'rsa-pss', hash: hash.hash, saltLength };
  } catch {
    // Not the syntax of RFC 4055: no scheme that we know.
    return undefined;
  }
}

function wrapped<T>(reader: DerReader, tag: number, read: () => T): T {
  reader.enter(explicit(tag), tag);
  const value = read();
  reader.leave();
  return value;
}

function readHash(reader: DerReader): string {
  reader.enter(Tag.SEQUENCE, 'hash');
  const oid = reader.oid('algorithm');
  // RFC 4055 §2.1: NULL or absent, both to be accepted.
  if (reader.peek() === Tag.NULL) reader.null('parameters');
  reader.leave();
  return oid;
}

function readMask(reader: DerReader): string {
  reader.enter(Tag.SEQUENCE, 'mask');
  if (reader.oid('algorithm') !== OID.mgf1) return '';
  const oid = readHash(reader);
  reader.leave();
  return oid;
}
