import assert from 'node:assert/strict';
import { createHmac, createPublicKey, sign } from 'node:crypto';
import { createLocalJWKSet, type JWK } from 'jose';
import { type Expectation, IdTokenRefused, verifyIdToken } from '../../http/access/oidc/id-token.ts';
import { type Key, newKey } from '../identity/issuer.ts';

const AT = new Date('2026-11-21T08:00:00Z');
const NOW = AT.getTime() / 1000;
const ISSUER = 'https://login.example.org';
const CLIENT = 'licet';

type Json = Record<string, unknown>;

const GOOD: Json = {
  iss: ISSUER,
  aud: CLIENT,
  sub: 'user-1',
  nonce: 'nonce-1',
  iat: NOW,
  exp: NOW + 300,
  email: 'ann@example.org',
  email_verified: true,
};

const part = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

describe('An ID token', () => {
  let ours: Key;
  let other: Key;
  let rsa: Key;
  let edwards: Key;
  let keys: Expectation['keys'];

  before(async function () {
    this.timeout(20_000);
    [ours, other, rsa, edwards] = await Promise.all([
      newKey('k1'),
      newKey('k1'),
      newKey('rsa', 'RS256'),
      newKey('edwards', 'EdDSA'),
    ]);
    const bare = (jwk: JWK): JWK => ({ ...jwk, alg: undefined as unknown as string });
    keys = createLocalJWKSet({
      keys: [ours.jwk, bare(rsa.jwk), edwards.jwk].map((jwk) => JSON.parse(JSON.stringify(jwk)) as JWK),
    });
  });

  const verify = (token: string, more: Partial<Expectation> = {}) =>
    verifyIdToken(token, {
      issuer: ISSUER,
      clientId: CLIENT,
      algorithms: ['ES256'],
      nonce: 'nonce-1',
      at: AT,
      keys,
      ...more,
    });

  /** Signed as ECDSA P-256 in the form of JWS, whatever the header says. */
  const signed = async (payload: unknown = GOOD, header: Json = {}, key = ours): Promise<string> => {
    const text = `${part({ alg: 'ES256', kid: 'k1', ...header })}.${part(payload)}`;
    return `${text}.${Buffer.from(await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key.privateKey, Buffer.from(text))).toString('base64url')}`;
  };

  const pkcs8 = async (key: Key): Promise<Buffer> =>
    Buffer.from(await crypto.subtle.exportKey('pkcs8', key.privateKey));

  const pem = (jwk: JWK): string =>
    createPublicKey({ key: jwk, format: 'jwk' }).export({
      type: 'spki',
      format: 'pem',
    }) as string;

  const hmac = (secret: string, algorithm: 'HS256' | 'HS512' = 'HS256', kid = 'k1'): string => {
    const text = `${part({ alg: algorithm, kid })}.${part(GOOD)}`;
    const hash = algorithm === 'HS256' ? 'sha256' : 'sha512';
    return `${text}.${createHmac(hash, secret).update(text).digest('base64url')}`;
  };

  const unsigned = (alg: unknown, signature = ''): string => `${part({ alg, kid: 'k1' })}.${part(GOOD)}.${signature}`;
  const without = (name: string): Json => Object.fromEntries(Object.entries(GOOD).filter(([key]) => key !== name));

  it('that is good says who somebody is', async () => {
    assert.deepEqual(await verify(await signed()), {
      subject: 'user-1',
      email: 'ann@example.org',
      isEmailVerified: true,
    });
  });

  it('is good a minute around its times, for clocks that differ', async () => {
    await verify(await signed({ ...GOOD, exp: NOW - 59 }));
    await verify(await signed({ ...GOOD, nbf: NOW + 60, iat: NOW + 60 }));
  });

  it('proves an address only by the boolean true', async () => {
    for (const claim of ['true', 1, undefined, null, ['true']]) {
      const identity = await verify(await signed({ ...GOOD, email_verified: claim }));
      assert.equal(identity.isEmailVerified, false);
    }
    assert.equal((await verify(await signed({ ...GOOD, email: ['ann@example.org'] }))).email, undefined);
  });

  const bad: Record<string, () => string | Promise<string>> = {
    'algorithm none': () => unsigned('none'),
    'algorithm None': () => unsigned('None'),
    'algorithm nOnE with a signature': () => unsigned('nOnE', 'AAAA'),
    'no algorithm': () => unsigned(undefined),
    'a list of algorithms': () => unsigned(['ES256']),
    'an empty signature': () => unsigned('ES256'),
    'an all-zero signature (r = s = 0)': () => unsigned('ES256', Buffer.alloc(64).toString('base64url')),
    'HS256 with the public key as PEM': () => hmac(pem(ours.jwk)),
    'HS256 with the public key as JWK': () => hmac(JSON.stringify(ours.jwk)),
    'HS256 with the RSA public key': () => hmac(pem(rsa.jwk), 'HS256', 'rsa'),
    'HS512 with the public key': () => hmac(pem(ours.jwk), 'HS512'),
    'HS256 with an empty secret': () => hmac(' '),
    'HS256 with the client id': () => hmac(CLIENT),
    'RS256, which is not in the list': async () => {
      const text = `${part({ alg: 'RS256', kid: 'rsa' })}.${part(GOOD)}`;
      const key = { key: await pkcs8(rsa), format: 'der', type: 'pkcs8' } as const;
      return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
    },
    'EdDSA, which is not in the list': async () => {
      const text = `${part({ alg: 'EdDSA', kid: 'edwards' })}.${part(GOOD)}`;
      const key = { key: await pkcs8(edwards), format: 'der', type: 'pkcs8' } as const;
      return `${text}.${sign(null, Buffer.from(text), key).toString('base64url')}`;
    },
    "another issuer's key under the same kid": () => signed(GOOD, {}, other),
    'an unknown kid': () => signed(GOOD, { kid: 'k2' }),
    'the kid of a key of another kind': () => signed(GOOD, { kid: 'rsa' }),
    'a kid that is a path': () => signed(GOOD, { kid: '../../../../dev/null' }),
    'a kid that is SQL': () => signed(GOOD, { kid: "k1' or '1'='1" }),
    'a kid that is no text': () => signed(GOOD, { kid: { toString: 'k1' } }),
    'a kid without end': () => signed(GOOD, { kid: 'k'.repeat(20_000) }),
    'a key by jku': () => signed(GOOD, { jku: 'https://evil.example/jwks' }),
    'a key in jwk': () => signed(GOOD, { jwk: other.jwk }, other),
    'our own key in jwk': () => signed(GOOD, { jwk: ours.jwk }),
    'a key by x5u': () => signed(GOOD, { x5u: 'https://evil.example/cert' }),
    'a key in x5c': () => signed(GOOD, { x5c: ['AAAA'] }),
    'something critical': () => signed(GOOD, { crit: ['exp'] }),
    'an unencoded payload': () => signed(GOOD, { b64: false, crit: ['b64'] }),
    'another issuer': () => signed({ ...GOOD, iss: 'https://evil.example' }),
    'the issuer with a slash': () => signed({ ...GOOD, iss: `${ISSUER}/` }),
    'the issuer in capitals': () => signed({ ...GOOD, iss: ISSUER.toUpperCase() }),
    'a list of issuers': () => signed({ ...GOOD, iss: [ISSUER] }),
    'no issuer': () => signed(without('iss')),
    'another audience': () => signed({ ...GOOD, aud: 'other' }),
    'two audiences': () => signed({ ...GOOD, aud: [CLIENT, 'other'] }),
    'a list of one audience': () => signed({ ...GOOD, aud: [CLIENT] }),
    'the beginning of the audience': () => signed({ ...GOOD, aud: 'lice' }),
    'no audience': () => signed(without('aud')),
    'another authorized party': () => signed({ ...GOOD, azp: 'other' }),
    'an end that is over': () => signed({ ...GOOD, exp: NOW - 61 }),
    'no end': () => signed(without('exp')),
    'an end that is text': () => signed({ ...GOOD, exp: String(NOW + 300) }),
    'an end before all time': () => signed({ ...GOOD, exp: -1 }),
    'a beginning in the future': () => signed({ ...GOOD, nbf: NOW + 62 }),
    'a birth in the future': () => signed({ ...GOOD, iat: NOW + 61 }),
    'a birth long ago': () => signed({ ...GOOD, iat: NOW - 661, exp: NOW + 86_400 }),
    'no birth': () => signed(without('iat')),
    'another nonce': () => signed({ ...GOOD, nonce: 'nonce-2' }),
    'a list of nonces': () => signed({ ...GOOD, nonce: ['nonce-1'] }),
    'no nonce': () => signed(without('nonce')),
    'no subject': () => signed(without('sub')),
    'an empty subject': () => signed({ ...GOOD, sub: '' }),
    'a subject that is a number': () => signed({ ...GOOD, sub: 1 }),
    'a subject without end': () => signed({ ...GOOD, sub: 's'.repeat(256) }),
    'a subject with NUL': () => signed({ ...GOOD, sub: 'user-1\0' }),
    'a payload that is no JSON': () => signed('not json'),
    'a payload that is a list': () => signed([GOOD]),
    'a payload that is null': () => signed('null'),
    'a changed payload': async () => {
      const [header, , signature] = (await signed()).split('.');
      return `${header}.${part({ ...GOOD, sub: 'admin' })}.${signature}`;
    },
    'a flipped bit in the signature': async () => {
      const token = await signed();
      const at = token.lastIndexOf('.') + 5;
      return `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`;
    },
    'half a signature': async () => (await signed()).slice(0, -43),
    'a signature in DER': async () => {
      const text = `${part({ alg: 'ES256', kid: 'k1' })}.${part(GOOD)}`;
      const key = { key: await pkcs8(ours), format: 'der', type: 'pkcs8' } as const;
      return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
    },
    'two parts': async () => (await signed()).split('.').slice(0, 2).join('.'),
    'four parts': async () => `${await signed()}.AAAA`,
    'five parts, as if encrypted': async () => `${await signed()}.AAAA.AAAA`,
    'nothing in it': () => '',
    'a space before it': async () => ` ${await signed()}`,
  };

  it('is tried with at least 60 bad ones', () => assert.ok(Object.keys(bad).length >= 60));

  for (const [what, make] of Object.entries(bad)) {
    it(`with ${what} is refused`, async () => {
      await assert.rejects(verify(await make()), IdTokenRefused);
    });
  }
});
