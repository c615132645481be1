import { createPublicKey } from 'node:crypto';
import { type KeyDescription, type Signer, TOKEN_TYPE } from '@licet/authority';
import type { PublicJwk, VerdictTokens } from '../licensing/ports/verdict-tokens.ts';
import { translated } from './errors.ts';

/** RFC 7518 3.4: small signatures, and every JOSE library has it. */
const ALGORITHM = { key: 'P-256', jws: 'ES256' } as const;

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Tokens by the signer. The key of an organization is made when its first token is. */
export function createVerdictTokens(signer: Signer): VerdictTokens {
  const known = new Map<string, Promise<KeyDescription>>();

  function keyOf(organization: string): Promise<KeyDescription> {
    const key = known.get(organization) ?? findOrMake(signer, organization);
    known.set(organization, key);
    // What failed is tried again by the next who asks.
    key.catch(() => known.delete(organization));
    return key;
  }

  return {
    async sign(organization, claims) {
      const { id } = await translated(keyOf(organization));
      const input = `${base64url({ alg: ALGORITHM.jws, typ: TOKEN_TYPE, kid: id })}.${base64url(claims)}`;
      const [signature] = await translated(signer.sign([{ key: id, kind: 'token', bytes: Buffer.from(input) }]));
      return `${input}.${Buffer.from(signature!).toString('base64url')}`;
    },
    async keys() {
      return (await translated(signer.keys())).filter(({ purpose }) => purpose === 'token').map(jwkOf);
    },
  };
}

async function findOrMake(signer: Signer, organization: string): Promise<KeyDescription> {
  const keys = await signer.keys();
  const own = keys.filter((key) => key.purpose === 'token' && key.organization === organization && !key.retiredAt);
  const newest = own.sort((a, b) => b.generation - a.generation)[0];
  return newest ?? signer.createKey({ purpose: 'token', algorithm: ALGORITHM.key, organization });
}

function jwkOf({ id, publicKey }: KeyDescription): PublicJwk {
  const jwk = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' }).export({ format: 'jwk' });
  const { kty = '', crv = '', x = '', y = '' } = jwk;
  return { kty, crv, x, y, kid: id, alg: ALGORITHM.jws, use: 'sig' };
}
