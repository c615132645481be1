import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { type Possession, possessionMessage } from '../possession.ts';

const EC_HASH: Readonly<Record<string, string>> = { prime256v1: 'sha256', secp384r1: 'sha384', secp521r1: 'sha512' };

/** Answers a challenge with the key of the license (PEM or a KeyObject). The agent does this; so can any product. */
export function provePossession(key: KeyObject | string, challenge: Uint8Array): Possession {
  const signer = typeof key === 'string' ? createPrivateKey(key) : key;
  const curve = signer.asymmetricKeyDetails?.namedCurve;
  const hash = signer.asymmetricKeyType === 'rsa' ? 'sha256' : curve === undefined ? null : (EC_HASH[curve] ?? null);
  return { challenge, signature: sign(hash, possessionMessage(challenge), signer) };
}
