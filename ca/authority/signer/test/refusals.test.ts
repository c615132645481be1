import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, hash, sign as forgeSignature, verify } from 'node:crypto';
import {
  DerWriter,
  OID,
  Tag,
  createName,
  encodeCertificate,
  explicit,
  extension,
  fromHex,
  type Claims,
  type Name,
} from '@licet/format';
import { SIGNATURE_ALGORITHMS } from '../../issue/signatures.ts';
import type { KeyDescription, KeyPurpose, SignatureKind, Signer } from '../../ports/signer.ts';
import { openSigner } from '../open.ts';
import { TOKEN_TYPE } from '../policy/token.ts';
import { hasCode } from './errors.ts';
import {
  ca,
  claimsExtension,
  CLAIMS,
  clock,
  createHierarchy,
  FAST,
  leaf,
  LEAF_USAGE,
  licenseTbs,
  name,
  passphrase,
  ROOT_NAME,
  SUBJECT_KEY,
  tbs,
  withFolder,
  type Hierarchy,
  type TbsInput,
} from './hierarchy.ts';

const ORG = name('Acme');
const ENTERPRISE = name('Acme', 'Globex');
const SERVICE = name('Acme', undefined, 'Service CA');

function crlTbs(issuer: Name, algorithm = SIGNATURE_ALGORITHMS['P-256']): Uint8Array {
  const time = (to: DerWriter, text: string) =>
    to.raw(Buffer.concat([Buffer.of(0x17, text.length), Buffer.from(text)]));
  const out = new DerWriter().open(Tag.SEQUENCE).integer(1).raw(algorithm).raw(issuer.raw);
  time(out, '270101000000Z');
  time(out, '270108000000Z');
  return out.open(explicit(0)).open(Tag.SEQUENCE).close().close().close().finish();
}

function ocspData(responder: { readonly byKey: Uint8Array } | { readonly byName: Name }): Uint8Array {
  const out = new DerWriter().open(Tag.SEQUENCE);
  if ('byKey' in responder) out.open(explicit(2)).octetString(responder.byKey).close();
  else out.open(explicit(1)).raw(responder.byName.raw).close();
  out.raw(Buffer.concat([Buffer.of(0x18, 15), Buffer.from('20270101000000Z')]));
  return out.open(Tag.SEQUENCE).close().close().finish();
}

/** What makes a self-issued CA the link of a rollover. */
const LINK = extension.certificatePolicies([OID.anyPolicy]);

function keyHash(key: KeyDescription): Uint8Array {
  // The uncompressed point is the end of a P-256 SubjectPublicKeyInfo.
  return hash('sha1', key.publicKey.subarray(-65), 'buffer');
}

function signedAttributes(...oids: string[]): Uint8Array {
  const out = new DerWriter().open(Tag.SET);
  for (const oid of oids) out.open(Tag.SEQUENCE).oid(oid).open(Tag.SET).octetString(new Uint8Array(32)).close().close();
  return out.close().finish();
}

const CONTENT_TYPE = '1.2.840.113549.1.9.3';
const MESSAGE_DIGEST = '1.2.840.113549.1.9.4';

function token(header: unknown, payload: unknown = { sub: 'x' }): Uint8Array {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return new Uint8Array(Buffer.from(`${part(header)}.${part(payload)}`));
}

function requestInfo(subject: Name, publicKey: Uint8Array): Uint8Array {
  return new DerWriter()
    .open(Tag.SEQUENCE)
    .integer(0)
    .raw(subject.raw)
    .raw(publicKey)
    .open(explicit(0))
    .close()
    .close()
    .finish();
}

describe('What the signer signs, and what it refuses', () => {
  const folder = withFolder();
  let signer: Signer;
  let keys: Hierarchy;
  let ocsp: KeyDescription;
  let manifest: KeyDescription;
  let tokens: KeyDescription;
  let tls: KeyDescription;

  beforeEach(async () => {
    signer = await openSigner({ ...FAST, folder: folder(), clock, keys: passphrase() });
    keys = await createHierarchy(signer);
    const make = async (purpose: KeyPurpose) => signer.createKey({ purpose, algorithm: 'P-256', organization: 'Acme' });
    [ocsp, manifest, tokens, tls] = [
      await make('ocsp'),
      await make('manifest'),
      await make('token'),
      await make('tls'),
    ];
  });
  afterEach(async () => signer.close());

  async function sign(key: KeyDescription, kind: SignatureKind, bytes: Uint8Array): Promise<void> {
    const [signature] = await signer.sign([{ key: key.id, kind, bytes }]);
    const publicKey = createPublicKey({ key: Buffer.from(key.publicKey), format: 'der', type: 'spki' });
    const form = kind === 'token' ? ({ dsaEncoding: 'ieee-p1363' } as const) : {};
    assert.ok(verify('sha256', bytes, { key: publicKey, ...form }, signature!), 'the signature does not verify');
  }

  async function refuses(key: KeyDescription, kind: SignatureKind, bytes: Uint8Array, message: RegExp): Promise<void> {
    const before = await signer.journalHead();
    await assert.rejects(signer.sign([{ key: key.id, kind, bytes }]), hasCode('SIGNER_REFUSED', message));
    assert.deepEqual(await signer.journalHead(), before, 'what is refused leaves no order in the journal');
  }

  it('signs what each purpose is for', async () => {
    const short = { notAfter: new Date('2027-01-08T00:00:00Z') };
    const responder = (issuer: Name): Uint8Array =>
      tbs({
        issuer,
        subject: createName([{ type: 'commonName', value: 'OCSP' }]),
        extensions: leaf([OID.ocspSigning]),
        ...short,
      });
    await sign(keys.enterprise, 'certificate', licenseTbs());
    await sign(
      keys.service,
      'certificate',
      tbs({ issuer: SERVICE, subject: SERVICE, extensions: leaf([OID.serverAuth]) }),
    );
    await sign(
      keys.organization,
      'certificate',
      tbs({ issuer: ORG, subject: ORG, extensions: leaf([OID.manifestPurpose]) }),
    );
    await sign(keys.root, 'certificate', responder(ROOT_NAME));
    await sign(keys.organization, 'certificate', responder(ORG));
    await sign(keys.enterprise, 'certificate', responder(ENTERPRISE));
    await sign(keys.service, 'certificate', responder(SERVICE));
    await sign(keys.root, 'crl', crlTbs(ROOT_NAME));
    await sign(keys.enterprise, 'crl', crlTbs(ENTERPRISE));
    await sign(ocsp, 'ocsp', ocspData({ byKey: keyHash(ocsp) }));
    await sign(manifest, 'manifest', signedAttributes(CONTENT_TYPE, MESSAGE_DIGEST));
    await sign(tokens, 'token', token({ alg: 'ES256', typ: TOKEN_TYPE, kid: tokens.id }));
    await sign(tls, 'request', requestInfo(ORG, tls.publicKey));
    await sign(keys.enterprise, 'request', requestInfo(ENTERPRISE, keys.enterprise.publicKey));
  });

  it('signs no kind with a key whose purpose does not cover it', async () => {
    const samples: Readonly<Record<SignatureKind, Uint8Array>> = {
      certificate: licenseTbs(),
      request: requestInfo(ORG, tls.publicKey),
      crl: crlTbs(ORG),
      ocsp: ocspData({ byKey: keyHash(ocsp) }),
      manifest: signedAttributes(CONTENT_TYPE, MESSAGE_DIGEST),
      token: token({ alg: 'ES256', typ: TOKEN_TYPE }),
    };
    const allowed: Readonly<Record<string, readonly SignatureKind[]>> = {
      [keys.enterprise.id]: ['certificate', 'crl', 'request'],
      [ocsp.id]: ['ocsp', 'request'],
      [manifest.id]: ['manifest', 'request'],
      [tokens.id]: ['token'],
      [tls.id]: ['request'],
    };
    for (const key of [keys.enterprise, ocsp, manifest, tokens, tls]) {
      for (const kind of Object.keys(samples) as SignatureKind[]) {
        if (allowed[key.id]!.includes(kind)) continue;
        await refuses(key, kind, samples[kind], /purpose does not cover/);
      }
    }
  });

  it('refuses a kind that it does not know', async () => {
    await refuses(keys.enterprise, 'anything' as SignatureKind, licenseTbs(), /purpose does not cover/);
    await refuses(keys.enterprise, 'constructor' as SignatureKind, licenseTbs(), /purpose does not cover/);
  });

  it('takes no bytes of one kind for those of another', async () => {
    const kinds: readonly [KeyDescription, SignatureKind][] = [
      [keys.organization, 'certificate'],
      [keys.organization, 'request'],
      [keys.organization, 'crl'],
      [ocsp, 'ocsp'],
      [manifest, 'manifest'],
      [tokens, 'token'],
    ];
    const samples: Readonly<Record<string, Uint8Array>> = {
      certificate: licenseTbs(),
      request: requestInfo(ORG, keys.organization.publicKey),
      crl: crlTbs(ORG),
      ocsp: ocspData({ byKey: keyHash(ocsp) }),
      manifest: signedAttributes(CONTENT_TYPE, MESSAGE_DIGEST),
      token: token({ alg: 'ES256', typ: TOKEN_TYPE }),
      nothing: new Uint8Array(),
      garbage: fromHex('deadbeef'),
      null: fromHex('0500'),
    };
    for (const [key, kind] of kinds) {
      for (const [sample, bytes] of Object.entries(samples)) {
        if (sample !== kind) await refuses(key, kind, bytes, /./);
      }
    }
  });

  const license = (more: Partial<TbsInput>): Uint8Array => licenseTbs('Berlin', more);
  const withClaims = (more: Partial<Claims>): Uint8Array =>
    license({ extensions: leaf([OID.licensePurpose], claimsExtension({ ...CLAIMS, ...more })) });
  const CERTIFICATES: readonly { name: string; by?: keyof Hierarchy; bytes: () => Uint8Array; message: RegExp }[] = [
    { name: 'of another issuer', bytes: () => license({ issuer: ORG }), message: /issuer in the certificate/ },
    { name: 'of another algorithm', bytes: () => license({ algorithm: 'P-384' }), message: /another algorithm/ },
    {
      name: 'for its own key',
      bytes: () => license({ publicKey: keys.enterprise.publicKey }),
      message: /does not certify itself/,
    },
    {
      name: 'one second longer than its issuer',
      bytes: () => license({ notAfter: new Date('2032-01-01T00:00:01Z') }),
      message: /outlive/,
    },
    {
      name: 'of a second more than 30 days',
      bytes: () => license({ notAfter: new Date('2027-01-31T00:00:00Z') }),
      message: /30 days at most/,
    },
    {
      name: 'that begins next year, as if it had been stolen then',
      bytes: () => license({ notBefore: new Date('2028-01-01T00:00:00Z'), notAfter: new Date('2028-01-30T23:59:59Z') }),
      message: /more than 30 days after the time of the signer/,
    },
    {
      name: 'that ends before it begins',
      bytes: () => license({ notBefore: new Date('2027-06-01T00:00:00Z') }),
      message: /ends before it begins/,
    },
    { name: 'with the serial 0', bytes: () => license({ serial: Uint8Array.of(0) }), message: /serial/ },
    { name: 'with a negative serial', bytes: () => license({ serial: Uint8Array.of(0x80) }), message: /serial/ },
    {
      name: 'with a serial of 21 octets',
      bytes: () => license({ serial: new Uint8Array(21).fill(1) }),
      message: /serial/,
    },
    { name: 'without extensions', bytes: () => license({ extensions: [] }), message: /cannot be told/ },
    {
      name: 'of another organization',
      bytes: () => license({ subject: name('Evil', 'Globex', 'x') }),
      message: /"Evil"/,
    },
    {
      name: 'of another enterprise',
      bytes: () => license({ subject: name('Acme', 'Initech', 'x') }),
      message: /"Initech"/,
    },
    { name: 'of no organization', bytes: () => license({ subject: ROOT_NAME }), message: /exactly one organization/ },
    {
      name: 'of two organizations',
      bytes: () =>
        license({
          subject: createName([
            { type: 'organizationName', value: 'Acme' },
            { type: 'organizationName', value: 'Acme' },
            { type: 'organizationalUnitName', value: 'Globex' },
          ]),
        }),
      message: /exactly one organization/,
    },
    {
      name: 'of two enterprises',
      bytes: () =>
        license({
          subject: createName([
            { type: 'organizationName', value: 'Acme' },
            { type: 'organizationalUnitName', value: 'Globex' },
            { type: 'organizationalUnitName', value: 'Initech' },
          ]),
        }),
      message: /Initech/,
    },
    {
      name: 'without claims',
      bytes: () => license({ extensions: leaf([OID.licensePurpose]) }),
      message: /cannot be told/,
    },
    { name: 'with a higher tier', bytes: () => withClaims({ tier: { rank: 21, code: 'x' } }), message: /tier/ },
    { name: 'with another feature', bytes: () => withClaims({ features: ['acme', 'beta'] }), message: /features/ },
    {
      name: 'with a higher limit',
      bytes: () => withClaims({ limits: [{ code: 'seats', max: 51, scope: 'each', enforce: 'hard' }] }),
      message: /limits/,
    },
    { name: 'with a longer grace', bytes: () => withClaims({ grace: 86_401 }), message: /grace/ },
    {
      name: 'with a later term',
      bytes: () => withClaims({ term: { from: CLAIMS.term.from, to: new Date('2029-01-01T00:00:01Z') } }),
      message: /term/,
    },
    {
      name: 'without purposes',
      bytes: () => license({ extensions: [LEAF_USAGE, claimsExtension()] }),
      message: /cannot be told/,
    },
    {
      name: 'for any purpose',
      bytes: () => license({ extensions: leaf([OID.anyExtendedKeyUsage], claimsExtension()) }),
      message: /cannot be told/,
    },
    {
      name: 'for two trades',
      bytes: () => license({ extensions: leaf([OID.licensePurpose, OID.ocspSigning], claimsExtension()) }),
      message: /cannot be told/,
    },
    {
      name: 'without a key usage',
      bytes: () => license({ extensions: [extension.extendedKeyUsage([OID.licensePurpose]), claimsExtension()] }),
      message: /cannot be told/,
    },
    {
      name: 'that may sign certificates',
      bytes: () =>
        license({
          extensions: [
            extension.keyUsage(['keyCertSign']),
            extension.extendedKeyUsage([OID.licensePurpose]),
            claimsExtension(),
          ],
        }),
      message: /cannot be told/,
    },
    {
      name: 'of a CA below an enterprise',
      bytes: () => license({ extensions: ca(0, claimsExtension()) }),
      message: /authority/,
    },
    { name: 'of a TLS server', bytes: () => license({ extensions: leaf([OID.serverAuth]) }), message: /not cover tls/ },
    {
      name: 'of a license',
      by: 'service',
      bytes: () => license({ issuer: SERVICE }),
      message: /not cover license/,
    },
    {
      name: 'of a license',
      by: 'organization',
      bytes: () => license({ issuer: ORG }),
      message: /not cover license/,
    },
    {
      name: 'of an enterprise as deep as itself',
      by: 'organization',
      bytes: () => tbs({ issuer: ORG, subject: ENTERPRISE, extensions: ca(1, claimsExtension()) }),
      message: /path length/,
    },
    {
      name: 'of an enterprise without a path length',
      by: 'organization',
      bytes: () =>
        tbs({
          issuer: ORG,
          subject: ENTERPRISE,
          extensions: [
            extension.basicConstraints({ ca: true }),
            extension.keyUsage(['keyCertSign', 'cRLSign']),
            claimsExtension(),
          ],
        }),
      message: /path length/,
    },
    {
      name: 'of a service CA',
      by: 'organization',
      bytes: () => tbs({ issuer: ORG, subject: SERVICE, extensions: ca(0) }),
      message: /service-authority/,
    },
    {
      name: 'of a second root',
      by: 'root',
      bytes: () => tbs({ issuer: ROOT_NAME, subject: ROOT_NAME, extensions: ca(2) }),
      message: /not cover root/,
    },
    {
      name: 'of the link to another root',
      by: 'organization',
      bytes: () => tbs({ issuer: ORG, subject: ORG, extensions: ca(1, LINK) }),
      message: /not cover link/,
    },
    {
      name: 'of a link that reaches further than the root',
      by: 'root',
      bytes: () => tbs({ issuer: ROOT_NAME, subject: ROOT_NAME, extensions: ca(3, LINK) }),
      message: /path length/,
    },
    {
      name: 'of a CA that names purposes',
      by: 'root',
      bytes: () =>
        tbs({
          issuer: ROOT_NAME,
          subject: ORG,
          extensions: ca(1, extension.extendedKeyUsage([OID.serverAuth]), claimsExtension()),
        }),
      message: /cannot be told/,
    },
  ];

  for (const { name, by = 'enterprise', bytes, message } of CERTIFICATES) {
    it(`signs no certificate ${name} (${by})`, async () => refuses(keys[by], 'certificate', bytes(), message));
  }

  it('signs no CRL of somebody else, of another algorithm, or by a key without a certificate', async () => {
    await refuses(keys.enterprise, 'crl', crlTbs(ORG), /somebody else/);
    await refuses(keys.enterprise, 'crl', crlTbs(ENTERPRISE, SIGNATURE_ALGORITHMS['P-384']), /another algorithm/);
    const unbound = await signer.createKey({ purpose: 'organization', algorithm: 'P-256', organization: 'Acme' });
    await refuses(unbound, 'crl', crlTbs(ORG), /no certificate yet/);
    await refuses(
      unbound,
      'certificate',
      tbs({ issuer: ORG, subject: ENTERPRISE, extensions: ca(0, claimsExtension()) }),
      /no certificate yet/,
    );
  });

  it('answers OCSP only as itself', async () => {
    await refuses(ocsp, 'ocsp', ocspData({ byKey: keyHash(keys.enterprise) }), /another responder/);
    await refuses(ocsp, 'ocsp', ocspData({ byName: ENTERPRISE }), /another responder/);
  });

  it('signs no attributes beyond those of a manifest', async () => {
    await refuses(manifest, 'manifest', signedAttributes(CONTENT_TYPE), /lack/);
    await refuses(manifest, 'manifest', signedAttributes(), /lack/);
    await refuses(manifest, 'manifest', signedAttributes(CONTENT_TYPE, MESSAGE_DIGEST, '1.2.3'), /unknown/);
    await refuses(manifest, 'manifest', signedAttributes(CONTENT_TYPE, MESSAGE_DIGEST, CONTENT_TYPE), /twice/);
  });

  it('signs no token of another algorithm, type or form', async () => {
    const good = { alg: 'ES256', typ: TOKEN_TYPE };
    await refuses(tokens, 'token', token({ ...good, alg: 'none' }), /algorithm ES256/);
    await refuses(tokens, 'token', token({ alg: 'ES256' }), /type/);
    await refuses(tokens, 'token', token({ ...good, typ: 'JWT' }), /type/);
    await refuses(tokens, 'token', token({ ...good, crit: ['b64'] }), /"crit"/);
    await refuses(tokens, 'token', token({ ...good, jwk: {} }), /"jwk"/);
    await refuses(tokens, 'token', token(good, []), /no JSON object/);
    await refuses(tokens, 'token', token(null), /no JSON object/);
    await refuses(tokens, 'token', Buffer.from('e30.e30.e30'), /no JWS/);
  });

  it('signs requests about its own key and tenant only', async () => {
    await refuses(tls, 'request', requestInfo(ORG, SUBJECT_KEY), /another key/);
    await refuses(tls, 'request', requestInfo(name('Evil'), tls.publicKey), /another organization/);
  });

  it('signs all of a batch or nothing', async () => {
    const good = { key: keys.enterprise.id, kind: 'certificate', bytes: licenseTbs() } as const;
    const head = await signer.journalHead();
    await assert.rejects(
      signer.sign([good, { ...good, bytes: license({ issuer: ORG }) }]),
      hasCode('SIGNER_REFUSED', /issuer/),
    );
    await assert.rejects(signer.sign([good, { ...good, key: 'nobody' }]), hasCode('KEY_UNKNOWN'));
    assert.deepEqual(await signer.journalHead(), head);
    assert.equal((await signer.sign([good, good])).length, 2);
  });

  it('signs nothing with a key that was retired, also after a restart', async () => {
    await signer.retireKey(keys.enterprise.id);
    await refuses(keys.enterprise, 'certificate', licenseTbs(), /retired/);
    await signer.close();
    signer = await openSigner({ ...FAST, folder: folder(), clock, keys: passphrase() });
    await refuses(keys.enterprise, 'certificate', licenseTbs(), /retired/);
  });

  it('binds no certificate for another key, shape, tenant or signer', async () => {
    const key = await signer.createKey({
      purpose: 'enterprise',
      algorithm: 'P-256',
      organization: 'Acme',
      enterprise: 'Initech',
    });
    const issuer = keys.organization.certificate!;
    const subject = name('Acme', 'Initech');
    const bind = async (input: Partial<TbsInput>, message: RegExp, by: Uint8Array | undefined = issuer) => {
      const bytes = tbs({
        issuer: ORG,
        subject,
        publicKey: key.publicKey,
        extensions: ca(0, claimsExtension()),
        ...input,
      });
      // A signer that does its work would refuse some of these, so the form is tried with a signature of nobody.
      const der = encodeCertificate(bytes, { raw: SIGNATURE_ALGORITHMS['P-256'] }, fromHex('3006020101020101'));
      await assert.rejects(signer.bindCertificate(key.id, der, by), hasCode('SIGNER_REFUSED', message));
    };
    await bind({ publicKey: SUBJECT_KEY }, /another key/);
    await bind({ extensions: leaf([OID.licensePurpose], claimsExtension()) }, /kind "authority"/);
    await bind({ extensions: ca(1, claimsExtension()) }, /path length 0/);
    await bind({ extensions: ca(0) }, /kind "authority"/);
    await bind({ subject: ENTERPRISE }, /"Globex"/);
    await bind({ subject: name('Evil', 'Initech') }, /"Evil"/);
    await bind({ issuer: ROOT_NAME }, /issuer given is another/);
    await bind({}, /not signed by/);
    await assert.rejects(signer.bindCertificate(key.id, fromHex('3000'), issuer), hasCode('SIGNER_REFUSED', /no cert/));
    const [unbound] = (await signer.keys()).filter(({ id }) => id === key.id);
    assert.equal(unbound!.certificate, undefined);
  });

  it('does not let whoever talks to it widen a key by an issuer of their own making', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const spki = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }));
    const forge = (bytes: Uint8Array) =>
      encodeCertificate(bytes, { raw: SIGNATURE_ALGORITHMS['P-256'] }, forgeSignature('sha256', bytes, privateKey));
    const issuer = forge(tbs({ issuer: ORG, subject: ORG, publicKey: spki, extensions: ca(1, claimsExtension()) }));
    const wide = claimsExtension({ ...CLAIMS, tier: { rank: 99, code: 'all' } });
    const certificate = forge(
      tbs({ issuer: ORG, subject: ENTERPRISE, publicKey: keys.enterprise.publicKey, extensions: ca(0, wide) }),
    );
    await assert.rejects(
      signer.bindCertificate(keys.enterprise.id, certificate, issuer),
      hasCode('SIGNER_REFUSED', /nobody here vouches/),
    );
  });

  it('takes the issuer of its first certificate for its anchor, and no other after it', async () => {
    const elsewhere = await openSigner({ ...FAST, folder: `${folder()}/elsewhere`, clock, keys: passphrase() });
    const key = await elsewhere.createKey({
      purpose: 'enterprise',
      algorithm: 'P-256',
      organization: 'Acme',
      enterprise: 'Hub',
    });
    const certify = async (by: KeyDescription) => {
      const bytes = tbs({
        issuer: ORG,
        subject: name('Acme', 'Hub'),
        publicKey: key.publicKey,
        extensions: ca(0, claimsExtension()),
      });
      const [signature] = await signer.sign([{ key: by.id, kind: 'certificate', bytes }]);
      return encodeCertificate(bytes, { raw: SIGNATURE_ALGORITHMS['P-256'] }, signature!);
    };
    await elsewhere.bindCertificate(key.id, await certify(keys.organization), keys.organization.certificate);
    await elsewhere.bindCertificate(key.id, await certify(keys.organization), keys.organization.certificate);
    const stranger = await openSigner({ ...FAST, folder: `${folder()}/stranger`, clock, keys: passphrase() });
    const theirs = await createHierarchy(stranger);
    const bytes = tbs({
      issuer: ORG,
      subject: name('Acme', 'Hub'),
      publicKey: key.publicKey,
      extensions: ca(0, claimsExtension()),
    });
    const [signature] = await stranger.sign([{ key: theirs.organization.id, kind: 'certificate', bytes }]);
    const other = encodeCertificate(bytes, { raw: SIGNATURE_ALGORITHMS['P-256'] }, signature!);
    await assert.rejects(
      elsewhere.bindCertificate(key.id, other, theirs.organization.certificate),
      hasCode('SIGNER_REFUSED', /nobody here vouches/),
    );
    await stranger.close();
    await elsewhere.close();
  });

  it('records revocations, also of a key that was lost', async () => {
    const record = { key: 'lost', serial: Uint8Array.of(1), event: 'revoked', reason: 1, at: clock.now() } as const;
    await signer.recordRevocations([record]);
    const { sequence } = await signer.journalHead();
    const [entry] = await signer.journalAfter(sequence - 1n, 1);
    assert.deepEqual({ ...entry?.record, serial: 0 }, { type: 'revocation', ...record, serial: 0 });
  });
});
