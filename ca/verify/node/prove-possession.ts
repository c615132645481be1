import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { type Possession, possessionMessage } from '../possession.ts';
import { renewalMessage } from '../renewal-proof.ts';

const EC_HASH: Readonly<Record<string, string>> = { prime256v1: 'sha256', secp384r1: 'sha384', secp521r1: 'sha512' };

/** Answers a challenge with the key of the license (PEM or a KeyObject). The agent does this; so can any product. */
export function provePossession(key: KeyObject | string, challenge: Uint8Array): Possession {
  return { challenge, signature: signWith(key, possessionMessage(challenge)) };
}

/** Says with the key of the license which public key (SubjectPublicKeyInfo) takes its place: see `renewalMessage`. */
export function proveRenewal(key: KeyObject | string, publicKey: Uint8Array): Uint8Array<ArrayBuffer> {
  return signWith(key, renewalMessage(publicKey));
}

function signWith(key: KeyObject | string, message: Uint8Array): Uint8Array<ArrayBuffer> {
  const signer = typeof key === 'string' ? createPrivateKey(key) : key;
  const curve = signer.asymmetricKeyDetails?.namedCurve;
  const hash = signer.asymmetricKeyType === 'rsa' ? 'sha256' : curve === undefined ? null : (EC_HASH[curve] ?? null);
  return new Uint8Array(sign(hash, message, signer));
}
