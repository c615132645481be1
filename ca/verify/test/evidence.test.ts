import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireTool } from '@licet/checks';
import {
  type Bytes,
  type CertStatus,
  encodeCertId,
  encodeOcspError,
  encodeOcspResponse,
  encodePem,
  encodeTbsOcspResponse,
  extension,
  fromHex,
  OID,
} from '@licet/format';
import { checkCrl, checkCrlSync, checkOcsp, checkOcspSync, type OcspOptions } from '../index.ts';
import { ALGORITHM, AT, ca, crl, keyPair, leaf, type KeyPair, type Made, revoke, root } from './certificate-kit.ts';

const HOUR = 3_600_000;
const ago = (hours: number): Date => new Date(AT.getTime() - hours * HOUR);
const sha1 = (bytes: Bytes): Bytes => new Uint8Array(createHash('sha1').update(bytes).digest());
const sha256 = (bytes: Bytes): Bytes => new Uint8Array(createHash('sha256').update(bytes).digest());
const HASHES = {
  sha1: { hash: sha1, raw: fromHex('300906052b0e03021a0500') },
  sha256: { hash: sha256, raw: fromHex('300d06096086480165030402010500') },
};
/** The content of the BIT STRING of a P-256 key: its last 65 octets. */
const keyBits = ({ key }: Made): Bytes => key.spki.subarray(-65);

type Answer = {
  readonly about?: Made;
  readonly issuer?: Made;
  readonly hash?: keyof typeof HASHES;
  readonly status?: CertStatus;
  readonly from?: Date;
  readonly to?: Date | undefined;
  readonly producedAt?: Date;
  readonly nonce?: Bytes;
  readonly signer?: KeyPair;
  readonly responder?: { byName: Made['name'] } | { byKey: Bytes };
  readonly certificates?: readonly Bytes[];
};

const anchor = root();
const below = leaf(anchor);
const ocspSigning = {
  with: { extendedKeyUsage: extension.extendedKeyUsage([OID.ocspSigning]), nocheck: extension.ocspNoCheck() },
};

function answer(wish: Answer = {}): Bytes {
  const { about = below, issuer = anchor, hash = 'sha256' } = wish;
  const { raw, hash: digest } = HASHES[hash];
  const algorithm = { raw: ALGORITHM.ecdsaSha256 };
  const tbs = encodeTbsOcspResponse({
    responder: wish.responder ?? { byName: issuer.name },
    producedAt: wish.producedAt ?? ago(1),
    responses: [
      {
        certId: {
          raw: encodeCertId({
            hashAlgorithm: { raw },
            issuerNameHash: digest(issuer.name.raw),
            issuerKeyHash: digest(keyBits(issuer)),
            serial: about.serial,
          }),
        },
        status: wish.status ?? { kind: 'good' },
        thisUpdate: wish.from ?? ago(1),
        nextUpdate: 'to' in wish ? wish.to : ago(-1),
        extensions: [],
      },
    ],
    nonce: wish.nonce,
    extensions: [],
  });
  const signature = new Uint8Array(sign('sha256', tbs, (wish.signer ?? issuer.key).privateKey));
  return encodeOcspResponse(tbs, algorithm, signature, [...(wish.certificates ?? [])]);
}

const delegate = leaf(anchor, ocspSigning);
const byDelegate = (who: Made): Answer => ({
  responder: { byName: who.name },
  signer: who.key,
  certificates: [who.der],
});
const other = root({ subject: 'root', key: keyPair() });

type Row = readonly [
  name: string,
  answer: Answer,
  status: string,
  codes: readonly string[],
  options?: Partial<OcspOptions>,
];
const ROWS: readonly Row[] = [
  ['a good certificate', {}, 'good', []],
  ['a CertID of SHA-1', { hash: 'sha1' }, 'good', []],
  ['a responder named by its key', { responder: { byKey: sha1(keyBits(anchor)) } }, 'good', []],
  [
    'a revoked certificate',
    { status: { kind: 'revoked', revokedAt: ago(5), reason: 'keyCompromise' } },
    'revoked',
    ['REVOKED'],
  ],
  [
    'a certificate on hold',
    { status: { kind: 'revoked', revokedAt: ago(5), reason: 'certificateHold' } },
    'revoked',
    ['SUSPENDED'],
  ],
  ['a certificate that the responder does not know', { status: { kind: 'unknown' } }, 'unknown', ['STATUS_UNKNOWN']],
  ['an answer about another serial', { about: delegate }, 'unknown', ['STATUS_UNKNOWN']],
  ['an answer about a certificate of another issuer', { issuer: other }, 'unknown', ['STATUS_UNKNOWN']],
  ['an answer that is over', { from: ago(5), producedAt: ago(5), to: ago(2) }, 'stale', ['STATUS_STALE']],
  [
    'a revocation that is over',
    { to: ago(2), from: ago(5), producedAt: ago(5), status: { kind: 'revoked', revokedAt: ago(9), reason: undefined } },
    'revoked',
    ['REVOKED', 'STATUS_STALE'],
  ],
  ['an answer without an end', { to: undefined }, 'good', []],
  ['an old answer without an end', { to: undefined, from: ago(26), producedAt: ago(26) }, 'stale', ['STATUS_STALE']],
  ['an answer from the future', { from: ago(-1), to: ago(-2) }, 'unknown', ['STATUS_UNKNOWN']],
  ['a response produced in the future', { producedAt: ago(-1) }, 'unknown', ['STATUS_UNKNOWN']],
  ['an answer that ends before it begins', { to: ago(2) }, 'unknown', ['STATUS_UNKNOWN']],
  ['a signature of another key', { signer: other.key }, 'unknown', ['SIGNATURE_INVALID']],
  ['a delegate', byDelegate(delegate), 'good', []],
  ['a delegate without the purpose', byDelegate(leaf(anchor)), 'unknown', ['USAGE_INVALID']],
  [
    'a delegate for any purpose',
    byDelegate(leaf(anchor, { with: { extendedKeyUsage: extension.extendedKeyUsage([OID.anyExtendedKeyUsage]) } })),
    'unknown',
    ['USAGE_INVALID'],
  ],
  ['a delegate of a CA below', byDelegate(leaf(ca(anchor), ocspSigning)), 'unknown', ['USAGE_INVALID']],
  ['a delegate of a namesake', byDelegate(leaf(other, ocspSigning)), 'unknown', ['SIGNATURE_INVALID']],
  [
    'a delegate that has expired',
    byDelegate(leaf(anchor, { ...ocspSigning, to: ago(2) })),
    'unknown',
    ['USAGE_INVALID'],
  ],
  ['a responder that nobody appointed', byDelegate(other), 'unknown', ['USAGE_INVALID']],
  ['the nonce that was asked with', { nonce: fromHex('0102') }, 'good', [], { nonce: fromHex('0102') }],
  ['another nonce', { nonce: fromHex('0103') }, 'unknown', ['STATUS_UNKNOWN'], { nonce: fromHex('0102') }],
  ['no nonce where one was asked for', {}, 'unknown', ['STATUS_UNKNOWN'], { nonce: fromHex('0102') }],
];

describe('an OCSP response, RFC 6960 §3.2', () => {
  for (const [name, wish, status, codes, options] of ROWS) {
    it(`says ${[status, ...codes].join(', ')} for ${name}`, async () => {
      const question = { cert: below.der, issuer: anchor.der, at: AT, ...options };
      const result = checkOcspSync(answer(wish), question);
      assert.deepEqual([result.status, ...result.codes], [status, ...codes], result.detail);
      assert.deepEqual(await checkOcsp(answer(wish), question).then((one) => one.status), status);
    });
  }

  it('says which delegate signed it, and that nobody needs to ask about that one', () => {
    const { responder } = checkOcspSync(answer(byDelegate(delegate)), { cert: below.der, issuer: anchor.der, at: AT });
    assert.deepEqual([responder?.noCheck, responder?.certificate.der], [true, delegate.der]);
  });

  it('is told from garbage and from an error of the responder', () => {
    const question = { cert: below.der, issuer: anchor.der, at: AT };
    assert.deepEqual(checkOcspSync(fromHex('deadbeef'), question).codes, ['MALFORMED']);
    assert.deepEqual(checkOcspSync(encodeOcspError('tryLater'), question).codes, ['STATUS_UNKNOWN']);
    assert.deepEqual(checkOcspSync(answer(), { ...question, cert: fromHex('00') }).codes, ['MALFORMED']);
    assert.deepEqual(checkOcspSync(answer(), { ...question, issuer: delegate.der }).codes, ['STATUS_UNKNOWN']);
  });

  it('is never believed with one bit changed', () => {
    const response = answer();
    const question = { cert: below.der, issuer: anchor.der, at: AT };
    for (let bit = 0; bit < response.length * 8; bit += 7) {
      const mutant = response.slice();
      mutant[bit >> 3]! ^= 1 << (bit & 7);
      assert.notEqual(checkOcspSync(mutant, question).status, 'good', `bit ${bit}`);
    }
  });

  it('of the openssl responder is understood', function () {
    requireTool(this, 'openssl');
    const folder = mkdtempSync(join(tmpdir(), 'licet-ocsp-'));
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const certificate = file('root.pem', encodePem('CERTIFICATE', anchor.der));
    const key = file('key.pem', anchor.key.privateKey.export({ format: 'pem', type: 'pkcs8' }) as string);
    const serial = Buffer.from(below.serial).toString('hex').toUpperCase();
    const index = file('index.txt', `V\t270101000000Z\t\t${serial}\tunknown\t/CN=x\n`);
    const leafFile = file('leaf.pem', encodePem('CERTIFICATE', below.der));
    const response = join(folder, 'response.der');
    const request = join(folder, 'request.der');
    execFileSync('openssl', ['ocsp', '-issuer', certificate, '-cert', leafFile, '-reqout', request], {
      stdio: 'ignore',
    });
    const responder = ['-index', index, '-rsigner', certificate, '-rkey', key, '-CA', certificate, '-ndays', '1'];
    execFileSync('openssl', ['ocsp', ...responder, '-reqin', request, '-respout', response], { stdio: 'ignore' });
    const bytes = new Uint8Array(readFileSync(response));
    rmSync(folder, { recursive: true });
    const first = checkOcspSync(bytes, { cert: below.der, issuer: anchor.der, at: AT });
    const at = first.thisUpdate!;
    const { status, detail } = checkOcspSync(bytes, { cert: below.der, issuer: anchor.der, at });
    assert.equal(status, 'good', detail);
  });
});

describe('a CRL by itself, RFC 5280 §6.3.3', () => {
  const question = { cert: below.der, issuer: anchor.der, at: AT };

  it('says good, revoked and stale', async () => {
    assert.equal((await checkCrl(crl(anchor), question)).status, 'good');
    assert.deepEqual((await checkCrl(crl(anchor, { entries: [revoke(below)] }), question)).codes, ['REVOKED']);
    assert.equal((await checkCrl(crl(anchor, { to: ago(1) }), question)).status, 'stale');
  });

  it('is refused when its number goes back, and not when it stays', () => {
    assert.deepEqual(checkCrlSync(crl(anchor, { number: 6 }), { ...question, highestNumber: 7n }).codes, [
      'STATUS_ROLLED_BACK',
    ]);
    const same = checkCrlSync(crl(anchor, { number: 7 }), { ...question, highestNumber: 7n });
    assert.deepEqual([same.status, same.number], ['good', 7n]);
  });

  it('is refused of another issuer, with another key, for other certificates, and as garbage', () => {
    assert.deepEqual(checkCrlSync(crl(root({ subject: 'other' })), question).codes, ['STATUS_UNKNOWN']);
    assert.deepEqual(checkCrlSync(crl(anchor, { signer: other.key }), question).codes, ['SIGNATURE_INVALID']);
    const cas = extension.issuingDistributionPoint({ onlyCaCertificates: true });
    assert.deepEqual(checkCrlSync(crl(anchor, { extensions: [cas] }), question).codes, ['STATUS_UNKNOWN']);
    assert.deepEqual(checkCrlSync(fromHex('30030201'), question).codes, ['MALFORMED']);
  });

  it('is changed by its deltas, and by no others', () => {
    const changes = (base: number) =>
      crl(anchor, { number: 8, entries: [revoke(below)], extensions: [extension.deltaCrlIndicator(base)] });
    assert.equal(checkCrlSync(crl(anchor), { ...question, deltas: [changes(7)] }).status, 'revoked');
    assert.equal(checkCrlSync(crl(anchor), { ...question, deltas: [changes(8)] }).status, 'good');
    assert.equal(checkCrlSync(crl(anchor), { ...question, deltas: [fromHex('00')] }).status, 'good');
  });

  it('of 100,000 entries is searched, not walked, once it was read', function () {
    this.timeout(20_000);
    const entries = Array.from({ length: 100_000 }, (_, i) => revoke({ ...below, serial: serialOf(i) }));
    const list = crl(anchor, { entries: [...entries, revoke(below)] });
    assert.equal(checkCrlSync(list, question).status, 'revoked');
  });
});

function serialOf(n: number): Bytes {
  return fromHex(`50${n.toString(16).padStart(14, '0')}`);
}
