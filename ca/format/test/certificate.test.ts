import assert from 'node:assert/strict';
import { generateKeyPairSync, sign, X509Certificate, type KeyObject } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { requireTool } from '@licet/checks';
import * as fc from 'fast-check';
import {
  CERTIFICATE_LIMITS,
  createAlgorithm,
  createName,
  decodeCertificate,
  decodeName,
  decodePublicKey,
  encodeCertificate,
  encodeTbsCertificate,
  equalBytes,
  extension,
  formatName,
  keyKind,
  OID,
  signatureScheme,
  Tag,
  toHex,
  type Bytes,
  type Certificate,
  type GeneralName,
  type KeyUsageBit,
} from '@licet/format';
import { certificate, certificateAt, commonName, der, FROM, hex, NAME, refuses } from './build.ts';
import { SEEDS } from './mutants.ts';

function again({ extensions, ...fields }: Certificate): Bytes {
  const tbs = encodeTbsCertificate({ ...fields, extensions: extensions.all });
  return encodeCertificate(tbs, fields.signatureAlgorithm, fields.signature);
}

/** A real license, signed with P-256. */
function license(): Bytes {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signatureAlgorithm = createAlgorithm(OID.ecdsaWithSha256);
  const subject = createName([
    { type: 'organizationName', value: 'Müller & Söhne' },
    { type: 'countryName', value: 'DE' },
    { type: 'commonName', value: 'site, "7"' },
  ]);
  const tbs = encodeTbsCertificate({
    serial: hex('00ff0102'),
    signatureAlgorithm,
    issuer: subject,
    notBefore: FROM,
    notAfter: new Date('2050-01-01T00:00:00Z'),
    subject,
    publicKey: { raw: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })) },
    extensions: [
      extension.basicConstraints({ ca: true, pathLength: 2 }),
      extension.keyUsage(['keyCertSign', 'cRLSign', 'decipherOnly']),
      extension.subjectKeyIdentifier(hex('0102030405')),
      extension.authorityKeyIdentifier({ keyIdentifier: hex('0102030405') }),
      extension.extendedKeyUsage([OID.clientAuth, OID.licensePurpose]),
      extension.subjectAltName([
        { kind: 'uri', value: 'license://acme.example/7' },
        { kind: 'dns', value: 'site.example' },
        { kind: 'ip', bytes: hex('c0000201') },
      ]),
      extension.crlDistributionPoints(['http://crl.example/1.crl']),
      extension.authorityInfoAccess([
        { method: OID.accessOcsp, location: { kind: 'uri', value: 'http://ocsp.example/' } },
      ]),
      extension.certificatePolicies([OID.licensePolicy]),
    ],
  });
  return encodeCertificate(tbs, signatureAlgorithm, new Uint8Array(sign('sha256', tbs, privateKey)));
}

describe('certificates, RFC 5280 §4', () => {
  for (const { parser, name, bytes } of SEEDS) {
    if (parser.name !== 'certificate') continue;
    it(`writes ${name} exactly as it was`, () => assert.ok(equalBytes(again(decodeCertificate(bytes)), bytes)));
  }

  it('reads what Node and @peculiar/x509 read in the same certificate', () => {
    const bytes = license();
    const ours = decodeCertificate(bytes);
    const node = new X509Certificate(bytes);
    const peculiar = new x509.X509Certificate(bytes);
    assert.equal(node.verify(node.publicKey), true);
    assert.equal(toHex(ours.serial), '00ff0102');
    assert.equal(node.serialNumber, 'FF0102');
    assert.equal(peculiar.serialNumber, 'ff0102');
    assert.equal(ours.notBefore.getTime(), peculiar.notBefore.getTime());
    assert.equal(ours.notAfter.getTime(), peculiar.notAfter.getTime());
    assert.deepEqual(
      ours.extensions.all.map(({ oid }) => oid),
      Array.from(peculiar.extensions, ({ type }) => type),
    );
    assert.deepEqual(
      ours.extensions.all.map(({ value }) => toHex(value)),
      Array.from(peculiar.extensions, ({ value }) => toHex(new Uint8Array(value))),
    );
    assert.deepEqual(ours.extensions.extendedKeyUsage, node.keyUsage);
    assert.equal(node.subjectAltName, 'URI:license://acme.example/7, DNS:site.example, IP Address:192.0.2.1');
    assert.equal(toHex(ours.publicKey.raw), toHex(new Uint8Array(peculiar.publicKey.rawData)));
  });

  it('writes what openssl reads without complaint', function () {
    requireTool(this, 'openssl');
    const run = (...args: string[]): string => execFileSync('openssl', args, { input: license() }).toString();
    const text = run('x509', '-inform', 'DER', '-noout', '-text');
    for (const part of [
      'CA:TRUE, pathlen:2',
      'Certificate Sign, CRL Sign, Decipher Only',
      'Jan  1 00:00:00 2050 GMT',
      'URI:http://crl.example/1.crl',
      'OCSP - URI:http://ocsp.example/',
    ]) {
      assert.ok(text.includes(part), `${part} in ${text}`);
    }
    const subject = run('x509', '-inform', 'DER', '-noout', '-subject', '-nameopt', 'RFC2253,utf8,-esc_msb').trim();
    assert.equal(subject, `subject=${formatName(decodeCertificate(license()).subject)}`);
    assert.ok(run('asn1parse', '-inform', 'DER').includes('UTCTIME           :260101000000Z'));
  });

  it('decodes serial numbers that only break the profile', () => {
    for (const serial of ['00', 'ff', '7f'.repeat(21)]) {
      assert.equal(toHex(decodeCertificate(certificate({ serial: hex(serial) })).serial), serial);
    }
  });

  it('decodes an empty issuer, which only breaks the profile', () => {
    assert.deepEqual(decodeCertificate(certificate({ issuer: { raw: hex('3000') } })).issuer.rdns, []);
  });

  it('reads a GeneralizedTime before 2050, as RFC 5280 §4.1.2.5 asks of every application', () => {
    const early = certificateAt('180f32303236303130313030303030305a');
    assert.equal(decodeCertificate(early).notBefore.getTime(), FROM.getTime());
  });

  it('keeps unique identifiers of version 2', () => {
    const bytes = certificate({ version: 2, issuerUniqueId: hex('00aa'), subjectUniqueId: hex('0780') });
    const decoded = decodeCertificate(bytes);
    assert.equal(decoded.version, 2);
    assert.deepEqual([decoded.issuerUniqueId, decoded.subjectUniqueId], [hex('00aa'), hex('0780')]);
    assert.ok(equalBytes(again(decoded), bytes));
  });

  it('does not enforce the upper bounds of appendix A', () => {
    const long = commonName(Tag.UTF8_STRING, '41'.repeat(65));
    assert.equal(decodeCertificate(long).subject.rdns[0]?.[0]?.value?.length, 65);
  });

  it('reads text of every type', () => {
    const value = (tag: number, content: string): string | undefined =>
      decodeCertificate(commonName(tag, content)).subject.rdns[0]?.[0]?.value;
    assert.equal(value(Tag.UTF8_STRING, 'c3a4f09f9880'), 'ä😀');
    assert.equal(value(Tag.PRINTABLE_STRING, '4127'), "A'");
    assert.equal(value(Tag.TELETEX_STRING, 'e4'), 'ä');
    assert.equal(value(Tag.BMP_STRING, '00e4'), 'ä');
    assert.equal(value(Tag.UNIVERSAL_STRING, '0001f600'), '😀');
    assert.equal(value(Tag.NUMERIC_STRING, '3120'), '1 ');
    assert.equal(value(Tag.OCTET_STRING, '31'), undefined);
  });

  it('reads no more than its limits allow', () => {
    const long = (length: number): Bytes =>
      certificate({ extensions: [{ oid: '1.2.3', critical: false, value: new Uint8Array(length) }] });
    const room = CERTIFICATE_LIMITS.size - long(200_000).length;
    assert.equal(long(200_000 + room).length, CERTIFICATE_LIMITS.size);
    decodeCertificate(long(200_000 + room));
    refuses(() => decodeCertificate(long(200_001 + room)), 'DER_LIMIT', 'certificate');
    refuses(() => decodeCertificate(certificate(), { ...CERTIFICATE_LIMITS, nodes: 10 }), 'DER_LIMIT');
    refuses(() => decodeCertificate(certificate(), { ...CERTIFICATE_LIMITS, depth: 4 }), 'DER_LIMIT');
  });

  it('ends quickly on a name that nests itself', () => {
    let inner = hex('3000');
    for (let i = 0; i < 5_000; i += 1) inner = der((to) => to.open(Tag.SEQUENCE).raw(inner).close());
    refuses(() => decodeCertificate(certificate({ publicKey: { raw: inner } })), 'DER_TAG');
    const other = der((to) => to.open(0xa0).oid('1.2.3').open(0xa0).raw(inner).close().close());
    const value = der((to) => to.open(Tag.SEQUENCE).raw(other).close());
    const nested = certificate({ extensions: [{ oid: OID.subjectAltName, critical: false, value }] });
    refuses(() => decodeCertificate(nested), 'DER_LIMIT');
  });
});

describe('extensions, RFC 5280 §4.2', () => {
  const decoded = (names: readonly GeneralName[]): readonly GeneralName[] | undefined =>
    decodeCertificate(certificate({ extensions: [extension.subjectAltName(names)] })).extensions.subjectAltName;

  it('keep every form of general name', () => {
    const names: GeneralName[] = [
      { kind: 'other', oid: '1.2.3', value: hex('0c0161') },
      { kind: 'email', value: 'a@b.example' },
      { kind: 'dns', value: 'b.example' },
      { kind: 'x400', value: hex('a3023000') },
      { kind: 'directory', name: NAME },
      { kind: 'edi', value: hex('a5053003020101') },
      { kind: 'uri', value: 'https://b.example/' },
      { kind: 'ip', bytes: new Uint8Array(16).fill(9) },
      { kind: 'registeredId', oid: '1.2.840' },
    ];
    assert.deepEqual(decoded(names), names);
  });

  it('keep every set of key usages', () => {
    const bits: KeyUsageBit[] = [
      'digitalSignature',
      'nonRepudiation',
      'keyEncipherment',
      'dataEncipherment',
      'keyAgreement',
      'keyCertSign',
      'cRLSign',
      'encipherOnly',
      'decipherOnly',
    ];
    fc.assert(
      fc.property(fc.subarray(bits, { minLength: 1 }), (usage) => {
        const bytes = certificate({ extensions: [extension.keyUsage(usage)] });
        assert.deepEqual([...decodeCertificate(bytes).extensions.keyUsage!], usage);
      }),
    );
  });

  it('keep constraints', () => {
    const subtree: GeneralName = { kind: 'ip', bytes: hex('0a000000ff000000') };
    const bytes = certificate({
      extensions: [
        extension.nameConstraints({ permitted: [subtree], excluded: [{ kind: 'dns', value: '' }] }),
        extension.policyConstraints({ requireExplicitPolicy: 0, inhibitPolicyMapping: 3 }),
        extension.inhibitAnyPolicy(200),
        extension.policyMappings([{ issuer: '1.2.3', subject: '1.2.4' }]),
        extension.basicConstraints({ ca: true, pathLength: 0 }),
      ],
    });
    const { extensions } = decodeCertificate(bytes);
    assert.deepEqual(extensions.nameConstraints, { permitted: [subtree], excluded: [{ kind: 'dns', value: '' }] });
    assert.deepEqual(extensions.policyConstraints, { requireExplicitPolicy: 0, inhibitPolicyMapping: 3 });
    assert.equal(extensions.inhibitAnyPolicy, 200);
    assert.deepEqual(extensions.policyMappings, [{ issuer: '1.2.3', subject: '1.2.4' }]);
    assert.deepEqual(extensions.basicConstraints, { ca: true, pathLength: 0 });
    assert.deepEqual(
      extensions.all.map(({ critical }) => critical),
      [true, true, true, true, true],
    );
  });

  it('keep distribution points with a relative name and reasons', () => {
    const point = {
      point: { kind: 'relative', rdn: NAME.rdns[0]! },
      reasons: new Set(['keyCompromise', 'aACompromise'] as const),
      crlIssuer: [{ kind: 'directory', name: NAME }],
    } as const;
    const bytes = certificate({ extensions: [extension.crlDistributionPoints([point])] });
    const [found] = decodeCertificate(bytes).extensions.crlDistributionPoints!;
    assert.deepEqual(found?.reasons, point.reasons);
    assert.equal(found?.point?.kind === 'relative' && found.point.rdn[0]?.value, 'Test');
    assert.deepEqual(found?.crlIssuer, point.crlIssuer);
  });

  it('refuse to be written with text that is no IA5', () => {
    refuses(() => extension.subjectAltName([{ kind: 'dns', value: 'ä.example' }]), 'X509_NAME');
  });
});

describe('names, RFC 5280 §4.1.2.4', () => {
  it('keep any text', () => {
    const text = fc.string({ minLength: 1, unit: 'binary' }).filter((value) => value.isWellFormed());
    fc.assert(
      fc.property(text, (value) => {
        const name = createName([{ type: 'commonName', value }]);
        assert.equal(decodeName(name.raw).rdns[0]?.[0]?.value, value);
      }),
    );
  });

  it('are written as RFC 4514 asks', () => {
    const name = createName([
      { type: 'countryName', value: 'DE' },
      { type: 'organizationName', value: ' a,b+c"d\\e<f>g;h ' },
      { type: 'commonName', value: '#1\n' },
      { type: '1.2.3', value: 'x' },
    ]);
    assert.equal(formatName(name), String.raw`1.2.3=#0c0178,CN=\#1\0a,O=\ a\,b\+c\"d\\e\<f\>g\;h\ ,C=DE`);
  });
});

describe('algorithms', () => {
  const pss = (parameters: string): Bytes => hex(parameters);
  const SHA256 = '300d06096086480165030402010500';
  const MGF = `301a06092a864886f70d010108${SHA256}`;

  it('reads RSASSA-PSS parameters, RFC 4055 §3.1', () => {
    const scheme = (parameters: string) => signatureScheme(createAlgorithm(OID.rsaPss, pss(parameters)));
    assert.deepEqual(scheme('3000'), { kind: 'rsa-pss', hash: 'sha1', saltLength: 20 });
    const full = `3030a00f${SHA256}a118${MGF}`.replace('3030', '3034').replace('a118301a', 'a11c301a');
    assert.deepEqual(scheme(`${full}a203020120`), { kind: 'rsa-pss', hash: 'sha256', saltLength: 32 });
    refuses(() => scheme(`3011a00f${SHA256}`), 'X509_ALGORITHM', 'algorithm.parameters.maskGen');
    refuses(() => scheme('3005a203020114'), 'DER_VALUE', 'algorithm.parameters.saltLength');
    refuses(() => scheme('3005a303020101'), 'X509_ALGORITHM', 'algorithm.parameters.trailer');
    refuses(() => signatureScheme(createAlgorithm(OID.rsaPss)), 'X509_ALGORITHM', 'algorithm.parameters');
  });

  it('refuses parameters where there are none', () => {
    assert.deepEqual(signatureScheme(createAlgorithm(OID.ed25519)), { kind: 'ed25519' });
    assert.deepEqual(signatureScheme(createAlgorithm(OID.sha256WithRsa)), { kind: 'rsa-pkcs1', hash: 'sha256' });
    refuses(() => signatureScheme(createAlgorithm(OID.ed25519, 'null')), 'X509_ALGORITHM', 'algorithm.parameters');
    refuses(() => signatureScheme(createAlgorithm(OID.ecdsaWithSha256, 'null')), 'X509_ALGORITHM');
    assert.equal(signatureScheme(createAlgorithm('1.2.3')), undefined);
  });

  it('tells what keys are', () => {
    const kind = ({ publicKey }: { publicKey: KeyObject }) =>
      keyKind(decodePublicKey(new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }))));
    const ec = (namedCurve: string) => kind(generateKeyPairSync('ec', { namedCurve }));
    assert.deepEqual(ec('P-256'), { kind: 'ec', curve: 'P-256' });
    assert.deepEqual(ec('P-521'), { kind: 'ec', curve: 'P-521' });
    assert.equal(ec('secp256k1'), undefined);
    assert.deepEqual(kind(generateKeyPairSync('ed25519')), { kind: 'ed25519' });
    const pair = generateKeyPairSync('rsa', { modulusLength: 1030 });
    const modulus = new Uint8Array(Buffer.from(pair.publicKey.export({ format: 'jwk' }).n!, 'base64url'));
    assert.deepEqual(kind(pair), { kind: 'rsa', bits: 1030, exponent: 65_537n, modulus, pssOnly: false });
  });

  it('refuses a point of the wrong length', () => {
    const key = (octets: number): Bytes =>
      der((to) =>
        to
          .open(Tag.SEQUENCE)
          .open(Tag.SEQUENCE)
          .oid(OID.ecPublicKey)
          .oid(OID.p256)
          .close()
          .bitString(new Uint8Array(octets).fill(4))
          .close(),
      );
    assert.deepEqual(keyKind(decodePublicKey(key(65))), { kind: 'ec', curve: 'P-256' });
    refuses(() => keyKind(decodePublicKey(key(64))), 'X509_ALGORITHM', 'publicKey.key');
  });
});
