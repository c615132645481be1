import { hash } from 'node:crypto';
import { DerReader, OID, Tag, decodeCertificate, decodeClaims, type Certificate, type Claims } from '@licet/format';
import { AuthorityError } from '../../errors.ts';
import type { KeyDescription } from '../../ports/signer.ts';

/** A key with its certificate read: what the rules ask about, worked out once and not per signature. */
export type BoundKey = {
  readonly description: KeyDescription;
  readonly certificate: Certificate | undefined;
  readonly claims: Claims | undefined;
  /** RFC 6960 §4.2.1 (KeyHash): SHA-1 over the content of the public key's BIT STRING. */
  readonly keyHash: Uint8Array;
};

export function bindKey(description: KeyDescription): BoundKey {
  const certificate = description.certificate && decodeCertificate(description.certificate);
  return {
    description,
    certificate,
    claims: certificate && claimsOf(certificate),
    keyHash: hash('sha1', publicKeyBits(description.publicKey), 'buffer'),
  };
}

export function claimsOf({ extensions }: Pick<Certificate, 'extensions'>): Claims | undefined {
  const extension = extensions.all.find(({ oid }) => oid === OID.licenseClaims);
  return extension && decodeClaims(extension.value);
}

/** The certificate of a key that may not work without one. */
export function requireCertificate(key: BoundKey): Certificate {
  if (key.certificate !== undefined) return key.certificate;
  return refuse(key, 'it has no certificate yet: bind the one that its issuer made for it');
}

/** `reason` completes "Key … did not sign:". */
export function refuse(
  key: BoundKey,
  reason: string,
  more: { details?: readonly string[]; cause?: unknown } = {},
): never {
  const { purpose, id } = key.description;
  throw new AuthorityError('SIGNER_REFUSED', `The ${purpose} key ${id} did not sign: ${reason}.`, more);
}

function publicKeyBits(spki: Uint8Array): Uint8Array {
  const reader = new DerReader(spki, 'publicKey', { size: 8192, depth: 8, nodes: 16 });
  reader.enter(Tag.SEQUENCE, '');
  reader.skip(Tag.SEQUENCE, 'algorithm');
  const bits = reader.bitString('key');
  reader.leave();
  reader.finish();
  return bits;
}
