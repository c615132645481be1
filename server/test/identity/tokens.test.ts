import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, sign as sign256 } from 'node:crypto';
import { requireTool } from '@licet/checks';
import { exportJWK, exportSPKI, importJWK, SignJWT, type CryptoKey, type JWK, type JWTPayload } from 'jose';
import { fetchJson, FetchRefused } from '../../http/identity/guarded-fetch.ts';
import { isSpecial } from '../../outbound/public-address.ts';
import { createIdentityTokens } from '../../http/identity/identity-tokens.ts';
import { KeySets } from '../../http/identity/key-sets.ts';
import { LicetError } from '../../licensing/errors.ts';
import { createLog } from '../../log/log.ts';
import { HostileIssuer, type Key, localCertificate, newKey, type TlsFiles } from './issuer.ts';

const AUDIENCE = 'https://licet.acme.example';
const START = Date.parse('2026-11-21T12:00:00Z');

describe('Identity tokens', function () {
  this.timeout(10_000);
  let files: TlsFiles;
  let issuer: HostileIssuer;
  let key: Key;
  let other: Key;
  let now = START;
  const clock = { now: () => new Date(now) };
  const log = createLog({ level: 'error', format: 'json', clock, write: () => {}, secrets: [] });
  const guard = () => ({ privateHosts: ['localhost'], ca: files.cert, timeoutMs: 300, mostBytes: 64 * 1024 });
  const judge = () =>
    createIdentityTokens({ clock, keySets: new KeySets({ clock, log, fetchJson: (url) => fetchJson(url, guard()) }) });
  let tokens: ReturnType<typeof judge>;

  before(async function () {
    requireTool(this, 'openssl');
    files = localCertificate();
    issuer = await HostileIssuer.open(files);
    key = await newKey('one');
    other = await newKey('one');
  });
  beforeEach(() => {
    now = START;
    issuer.keys = [key.jwk];
    issuer.jwks = undefined;
    issuer.discovery = (document) => document;
    issuer.asked.length = 0;
    tokens = judge();
  });
  after(() => issuer?.close());

  const seconds = () => Math.floor(now / 1000);
  const good = (): JWTPayload => ({
    iss: issuer.url,
    aud: AUDIENCE,
    sub: 'repo:octo@1/app@2:ref:refs/heads/main',
    jti: 'token-1',
    iat: seconds(),
    nbf: seconds(),
    exp: seconds() + 300,
    repository_id: '74',
  });
  const sign = (payload: JWTPayload, header: Record<string, unknown> = {}, by: CryptoKey = key.privateKey) =>
    new SignJWT(payload).setProtectedHeader({ alg: 'ES256', kid: 'one', ...header }).sign(by);
  const verify = (token: string) =>
    tokens.verify(token, { issuer: issuer.url, audiences: [AUDIENCE], keys: undefined, mayList: false });
  const isRefused = (token: Promise<unknown> | (() => unknown), code: string) =>
    assert.rejects(
      async () => (typeof token === 'function' ? token() : token),
      (error: unknown) => error instanceof LicetError && assert.equal(error.code, code, error.message) === undefined,
    );

  it('takes a good one, and says what it says', async () => {
    const token = await sign(good());
    assert.equal(tokens.issuerOf(token), issuer.url);
    const { claims, id } = await verify(token);
    assert.equal(claims['repository_id'], '74');
    assert.equal(id, 'token-1');
  });

  const without = (name: string) => Object.fromEntries(Object.entries(good()).filter(([one]) => one !== name));
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const byHand = (header: object, payload: object, signature = '') => `${part(header)}.${part(payload)}.${signature}`;

  const bad: [string, string, () => Promise<string> | string][] = [
    ['no algorithm', 'IDENTITY_ALGORITHM', () => byHand({ alg: 'none' }, good())],
    ['no algorithm, in other letters', 'IDENTITY_ALGORITHM', () => byHand({ alg: 'NoNe' }, good())],
    [
      'the public key as the shared key of an HMAC',
      'IDENTITY_ALGORITHM',
      async () => {
        const spki = await exportSPKI((await importJWK(key.jwk, 'ES256', { extractable: true })) as CryptoKey);
        const body = byHand({ alg: 'HS256', kid: 'one' }, good()).slice(0, -1);
        return `${body}.${createHmac('sha256', spki).update(body).digest('base64url')}`;
      },
    ],
    [
      'an algorithm that the key is not for',
      'IDENTITY_KEY_UNKNOWN',
      () => byHand({ alg: 'RS256', kid: 'one' }, good(), 'AAAA'),
    ],
    ['a key of the same name from elsewhere', 'IDENTITY_SIGNATURE', () => sign(good(), {}, other.privateKey)],
    ['no signature', 'IDENTITY_SIGNATURE', () => byHand({ alg: 'ES256', kid: 'one' }, good())],
    [
      'a signature of zeros (CVE-2022-21449)',
      'IDENTITY_SIGNATURE',
      () => byHand({ alg: 'ES256', kid: 'one' }, good(), Buffer.alloc(64).toString('base64url')),
    ],
    [
      'changed claims',
      'IDENTITY_SIGNATURE',
      async () => {
        const [head, , signature] = (await sign(good())).split('.');
        return `${head}.${part({ ...good(), repository_id: '75' })}.${signature}`;
      },
    ],
    ['a key that it brings itself', 'IDENTITY_MALFORMED', () => sign(good(), { jwk: other.jwk }, other.privateKey)],
    ['an address of a key', 'IDENTITY_MALFORMED', () => sign(good(), { jku: 'https://evil.example/jwks' })],
    ['an address of a certificate', 'IDENTITY_MALFORMED', () => sign(good(), { x5u: 'https://evil.example/x' })],
    ['a certificate', 'IDENTITY_MALFORMED', () => sign(good(), { x5c: ['AAAA'] })],
    [
      'something that must be understood',
      'IDENTITY_MALFORMED',
      () => byHand({ alg: 'ES256', kid: 'one', crit: ['exp'], exp: 1 }, good(), 'AA'),
    ],
    [
      'a payload that is not encoded',
      'IDENTITY_MALFORMED',
      () => byHand({ alg: 'ES256', kid: 'one', b64: false }, good(), 'AA'),
    ],
    ['an unknown key', 'IDENTITY_KEY_UNKNOWN', () => sign(good(), { kid: 'two' })],
    ['a path as the name of its key', 'IDENTITY_KEY_UNKNOWN', () => sign(good(), { kid: '../../../dev/null' })],
    ['another audience', 'IDENTITY_AUDIENCE', () => sign({ ...good(), aud: 'https://other.example' })],
    [
      'an audience that begins as ours',
      'IDENTITY_AUDIENCE',
      () => sign({ ...good(), aud: `${AUDIENCE}.evil.example` }),
    ],
    ['a list of one audience', 'IDENTITY_AUDIENCE', () => sign({ ...good(), aud: [AUDIENCE] })],
    ['a list of audiences', 'IDENTITY_AUDIENCE', () => sign({ ...good(), aud: [AUDIENCE, 'https://other.example'] })],
    ['a list of ours alone', 'IDENTITY_AUDIENCE', () => sign({ ...good(), aud: [AUDIENCE] })],
    ['no audience', 'IDENTITY_AUDIENCE', () => sign(without('aud'))],
    ['another issuer', 'IDENTITY_CLAIM', () => sign({ ...good(), iss: 'https://evil.example' })],
    ['the issuer with a slash', 'IDENTITY_CLAIM', () => sign({ ...good(), iss: `${issuer.url}/` })],
    ['no issuer', 'IDENTITY_CLAIM', () => sign(without('iss'))],
    ['an end 61 s ago', 'IDENTITY_EXPIRED', () => sign({ ...good(), exp: seconds() - 61 })],
    ['no end', 'IDENTITY_CLAIM', () => sign(without('exp'))],
    ['an end that is text', 'IDENTITY_CLAIM', () => sign({ ...good(), exp: '99999999999' as unknown as number })],
    ['a beginning in 61 s', 'IDENTITY_NOT_YET', () => sign({ ...good(), nbf: seconds() + 61 })],
    ['an issue in 61 s', 'IDENTITY_NOT_YET', () => sign({ ...good(), iat: seconds() + 61 })],
    ['an issue of more than an hour ago', 'IDENTITY_EXPIRED', () => sign({ ...good(), iat: seconds() - 3661 })],
    ['no time of issue', 'IDENTITY_CLAIM', () => sign(without('iat'))],
    ['no name of its own', 'IDENTITY_CLAIM', () => sign(without('jti'))],
    ['an empty name', 'IDENTITY_MALFORMED', () => sign({ ...good(), jti: '' })],
    ['a name of 300 characters', 'IDENTITY_MALFORMED', () => sign({ ...good(), jti: 'x'.repeat(300) })],
    ['two parts', 'IDENTITY_MALFORMED', async () => (await sign(good())).split('.').slice(0, 2).join('.')],
    ['no JSON', 'IDENTITY_MALFORMED', () => 'aaaa.bbbb.cccc'],
    ['JSON that is a list', 'IDENTITY_SIGNATURE', () => `${part({ alg: 'ES256', kid: 'one' })}.${part([])}.AA`],
    ['nothing', 'IDENTITY_MALFORMED', () => ''],
  ];
  for (const [what, code, make] of bad) {
    it(`refuses ${what}`, async () => isRefused(async () => verify(await make()), code));
  }
  it('says of one whose claims are nested without end who is to have issued it, and does not fail', () => {
    const depth = 5500;
    const claims = `{"iss":"https://evil.example","a":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    const token = `${part({ alg: 'ES256' })}.${Buffer.from(claims).toString('base64url')}.AA`;
    assert.ok(token.length < 16_384);
    assert.equal(tokens.issuerOf(token), 'https://evil.example');
  });
  it('takes one at each edge of its times', async () => {
    await verify(await sign({ ...good(), exp: seconds() - 59 }));
    await verify(await sign({ ...good(), nbf: seconds() + 60, iat: seconds() + 60 }));
  });

  describe('keys of an issuer', () => {
    const unavailable = 'IDENTITY_KEYS_UNAVAILABLE';
    const fails = async () => isRefused(verify(await sign(good())), unavailable);

    it('are read once for many tokens', async () => {
      const token = await sign(good());
      await Promise.all(Array.from({ length: 20 }, () => verify(token)));
      assert.deepEqual(issuer.asked, ['/.well-known/openid-configuration', '/jwks']);
    });
    it('are read again for a key that is new, but not for whatever a stranger names', async () => {
      await verify(await sign(good()));
      const next = await newKey('two');
      issuer.keys = [key.jwk, next.jwk];
      const token = () => sign(good(), { kid: 'two' }, next.privateKey);
      await isRefused(verify(await token()), 'IDENTITY_KEY_UNKNOWN');
      assert.equal(issuer.asked.length, 2, 'within the cooldown nothing is asked');
      now += 31_000;
      await verify(await token());
      for (let tries = 0; tries < 20; tries++)
        await isRefused(verify(await sign(good(), { kid: `no-${tries}` })), 'IDENTITY_KEY_UNKNOWN');
      assert.equal(issuer.asked.length, 4, 'twenty strangers cost nothing');
    });
    it('that were withdrawn are not believed for longer than ten minutes', async () => {
      await verify(await sign(good()));
      issuer.keys = [(await newKey('two')).jwk];
      now += 601_000;
      await isRefused(verify(await sign(good())), 'IDENTITY_KEY_UNKNOWN');
    });
    it('that were read while the clock was ahead are read again once it is right', async () => {
      now += 172_800_000;
      await verify(await sign(good()));
      now -= 172_800_000;
      issuer.keys = [(await newKey('two')).jwk];
      await isRefused(verify(await sign(good())), 'IDENTITY_KEY_UNKNOWN');
    });
    it('are believed for an hour when the issuer is down, and no longer', async () => {
      await verify(await sign(good()));
      issuer.jwks = (_, response) => void response.writeHead(500).end();
      now += 50 * 60_000;
      await verify(await sign(good()));
      now += 11 * 60_000;
      await fails();
    });
    it('are believed for an hour when the issuer breaks off in the middle of them', async () => {
      await verify(await sign(good()));
      issuer.jwks = (_, response) => {
        response.writeHead(200, { 'content-length': 1000 });
        response.write('{"keys":');
        setTimeout(() => response.destroy(), 20);
      };
      now += 50 * 60_000;
      await verify(await sign(good()));
    });
    it('that cannot be read, or are private, are passed over, and the others are taken', async () => {
      const open = await newKey('three');
      const secret = { ...(await exportJWK(open.privateKey)), kid: 'three' };
      issuer.keys = [{ kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'AAAA', kid: 'two', alg: 'ES256' }, secret, key.jwk];
      await verify(await sign(good()));
      for (const kid of ['two', 'three']) {
        await isRefused(verify(await sign(good(), { kid }, open.privateKey)), 'IDENTITY_KEY_UNKNOWN');
      }
    });
    it('that are RSA of fewer than 2048 bits are passed over', async () => {
      const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
      issuer.keys = [{ ...(publicKey.export({ format: 'jwk' }) as JWK), kid: 'weak', alg: 'RS256', use: 'sig' }];
      const body = `${part({ alg: 'RS256', kid: 'weak' })}.${part(good())}`;
      const signature = sign256('sha256', Buffer.from(body), privateKey).toString('base64url');
      await isRefused(verify(`${body}.${signature}`), 'IDENTITY_KEY_UNKNOWN');
    });
    for (const [what, jwks] of [
      [
        'a redirect to the machine itself',
        (_, response) => void response.writeHead(302, { location: 'https://127.0.0.1/jwks' }).end(),
      ],
      [
        'a redirect to the secrets of the cloud',
        (_, response) => void response.writeHead(307, { location: 'http://169.254.169.254/' }).end(),
      ],
      ['more than is read', (_, response) => void response.end(`{"keys":[],"x":"${'a'.repeat(100_000)}"}`)],
      [
        'drops that never end',
        (_, response) => {
          response.write('{');
          const drip = setInterval(() => response.write(' '), 20);
          response.once('close', () => clearInterval(drip));
        },
      ],
      ['nothing at all', () => {}],
      ['no JSON', (_, response) => void response.end('<html>')],
      ['no list of keys', (_, response) => void response.end('{"keys":"none"}')],
      [
        'a thousand keys',
        (_, response) =>
          void response.end(JSON.stringify({ keys: Array.from({ length: 1000 }, () => ({ kty: 'EC' })) })),
      ],
    ] as [string, NonNullable<HostileIssuer['jwks']>][]) {
      it(`are not had from ${what}`, async () => {
        issuer.jwks = jwks;
        const began = performance.now();
        await fails();
        assert.ok(performance.now() - began < 1000);
      });
    }
    it('that are shared secrets are passed over', async () => {
      const secret = Buffer.alloc(32, 7);
      issuer.keys = [{ kty: 'oct', k: secret.toString('base64url'), kid: 'one', alg: 'HS256' }];
      const token = await new SignJWT(good()).setProtectedHeader({ alg: 'HS256', kid: 'one' }).sign(secret);
      await isRefused(verify(token), 'IDENTITY_ALGORITHM');
    });
    for (const [what, change] of [
      ['speaks for another', { issuer: 'https://evil.example' }],
      ['sends us to plain HTTP', { jwks_uri: 'http://localhost/jwks' }],
      ['sends us into our own network', { jwks_uri: 'https://127.0.0.1/jwks' }],
      ['sends us to a private address in IPv6', { jwks_uri: 'https://[::ffff:10.0.0.1]/jwks' }],
      ['names no place', { jwks_uri: undefined }],
    ] as const) {
      it(`are not had from a discovery document that ${what}`, async () => {
        issuer.discovery = (document) => ({ ...document, ...change });
        await fails();
      });
    }
    it('are had from where the rule says, without discovery', async () => {
      const token = await sign(good());
      const keys = `${issuer.url}/jwks`;
      await tokens.verify(token, { issuer: issuer.url, audiences: [AUDIENCE], keys, mayList: false });
      assert.deepEqual(issuer.asked, ['/jwks']);
    });
  });

  describe('addresses', () => {
    for (const address of [
      '127.0.0.1',
      '10.1.2.3',
      '172.31.0.1',
      '192.168.1.1',
      '169.254.169.254',
      '100.64.0.1',
      '0.0.0.0',
      '224.0.0.1',
      '255.255.255.255',
      '::1',
      '::',
      'fe80::1',
      'fd00::1',
      '::ffff:8.8.8.8',
      '64:ff9b::7f00:1',
      '2002:7f00:1::',
      '2001:db8::1',
      'localhost',
    ]) {
      it(`${address} is none of the public`, () => assert.equal(isSpecial(address), true));
    }
    for (const address of ['140.82.112.3', '8.8.8.8', '172.32.0.1', '2606:50c0:8000::153', '2a00:1450:4001::1']) {
      it(`${address} is public`, () => assert.equal(isSpecial(address), false));
    }
    it('a public name that leads to a private address is refused before anything is sent', async () => {
      const strict = { ...guard(), privateHosts: [] };
      await assert.rejects(() => fetchJson(`${issuer.url}/jwks`, strict), FetchRefused);
      assert.equal(issuer.asked.length, 0);
    });
  });
});
