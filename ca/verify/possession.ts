import { type Bytes, concatBytes, type PublicKeyInfo } from '@licet/format';
import type { Task } from './signatures/check.ts';
import { keyKind } from './signatures/keys.ts';
import type { KeyKind } from './signatures/keys.ts';
import type { Scheme } from './signatures/schemes.ts';
import type { Findings } from './verdict.ts';

/** Shows that the key of the license is here, and not only a copy of its certificate. */
export type Possession = {
  /** Random bytes that the verifier drew for this one check. */
  readonly challenge: Bytes;
  /** Over `possessionMessage(challenge)`, by the key of the license; ECDSA as DER. */
  readonly signature: Bytes;
};

/** Fewer can be guessed or met twice; more are of no use. */
export const CHALLENGE_BYTES = { least: 16, most: 1024 } as const;

const CONTEXT = new TextEncoder().encode('licet possession v1\0');

/**
 * What the holder signs. The challenge never stands alone: the same key signs TLS handshakes and certificate requests,
 * and whoever chooses the challenge must not get a signature over one of those.
 */
export function possessionMessage(challenge: Bytes): Uint8Array<ArrayBuffer> {
  return concatBytes(CONTEXT, challenge);
}

export function* checkPossession(key: PublicKeyInfo, proof: Possession, findings: Findings): Task<void> {
  const refuse = (detail: string) => findings.refuse('invalid', 'POSSESSION_FAILED', detail);
  const { challenge, signature } = proof;
  if (challenge.length < CHALLENGE_BYTES.least || challenge.length > CHALLENGE_BYTES.most) {
    refuse(
      `A challenge has ${CHALLENGE_BYTES.least} to ${CHALLENGE_BYTES.most} bytes, this one has ${challenge.length}.`,
    );
    return;
  }
  const kind = keyKind(key);
  if (kind === undefined) {
    refuse('The key of the license is of a kind that cannot prove possession.');
    return;
  }
  const outcome = yield { key, scheme: possessionScheme(kind), message: possessionMessage(challenge), signature };
  if (outcome === 'unsupported') refuse('This runtime cannot verify signatures of the key of the license.');
  if (outcome === 'invalid') refuse('The signature was not made by the key of the license.');
}

const EC_HASH = { 'P-256': 'sha256', 'P-384': 'sha384', 'P-521': 'sha512' } as const;

/** One scheme for each kind of key, so that there is nothing to negotiate. */
export function possessionScheme(kind: KeyKind): Scheme {
  if (kind.kind === 'ec') return { kind: 'ecdsa', hash: EC_HASH[kind.curve] };
  if (kind.kind === 'rsa') return { kind: 'rsa-pkcs1', hash: 'sha256' };
  return kind;
}
