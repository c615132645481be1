import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireTool } from '@licet/checks';
import {
  createAlgorithm,
  decodeCertificate,
  decodeOcspRequest,
  decodeOcspResponse,
  encodeCertId,
  encodeCertificate,
  encodeOcspError,
  encodeOcspRequest,
  encodeOcspResponse,
  encodePem,
  encodeTbsCertificate,
  encodeTbsOcspResponse,
  equalBytes,
  extension,
  OID,
  type Bytes,
  type CertStatus,
  type TbsOcspResponseFields,
} from '@licet/format';
import { ED25519, FROM, hex, NAME, raw, refuses, SIGNATURE, UNTIL } from './build.ts';
import { SEEDS } from './mutants.ts';

const CERT_ID = {
  raw: encodeCertId({
    hashAlgorithm: createAlgorithm(OID.sha1, 'null'),
    issuerNameHash: new Uint8Array(20).fill(1),
    issuerKeyHash: new Uint8Array(20).fill(2),
    serial: hex('00ff01'),
  }),
};

const STATUSES: CertStatus[] = [
  { kind: 'good' },
  { kind: 'unknown' },
  { kind: 'revoked', revokedAt: FROM, reason: undefined },
  { kind: 'revoked', revokedAt: FROM, reason: 'unspecified' },
  { kind: 'revoked', revokedAt: FROM, reason: 'keyCompromise' },
];

const FIELDS: TbsOcspResponseFields = {
  responder: { byKey: new Uint8Array(20).fill(3) },
  producedAt: FROM,
  responses: STATUSES.map((status) => ({ certId: CERT_ID, status, thisUpdate: FROM, nextUpdate: UNTIL })),
  nonce: hex('00112233445566778899'),
};

function response(fields: Partial<TbsOcspResponseFields> = {}, certificates: readonly Bytes[] = []): Bytes {
  return encodeOcspResponse(encodeTbsOcspResponse({ ...FIELDS, ...fields }), ED25519, SIGNATURE, certificates);
}

describe('OCSP, RFC 6960', () => {
  it('requests are read as they were written', () => {
    const { der: _der, ...request } = decodeOcspRequest(
      encodeOcspRequest({ requests: [CERT_ID, CERT_ID], nonce: hex('aa') }),
    );
    assert.equal(_der.length > 0, true);
    assert.deepEqual([request.requests.length, request.nonce, request.signed], [2, hex('aa'), false]);
    assert.deepEqual(request.requests[0]?.serial, hex('00ff01'));
    assert.deepEqual(request.requests[0]?.raw, CERT_ID.raw);
    assert.equal(decodeOcspRequest(encodeOcspRequest({ requests: [CERT_ID] })).nonce, undefined);
  });

  it('requests of openssl are read, and written alike', () => {
    const seed = SEEDS.find(({ name }) => name.startsWith('ocspRequest'))!.bytes;
    const { requests, nonce } = decodeOcspRequest(seed);
    assert.equal(requests.length, 2);
    assert.ok(equalBytes(encodeOcspRequest({ requests, nonce }), seed));
  });

  it('nonces have 1 to 128 octets, RFC 9654', () => {
    for (const length of [1, 32, 128]) {
      const nonce = new Uint8Array(length).fill(7);
      assert.deepEqual(decodeOcspRequest(encodeOcspRequest({ requests: [CERT_ID], nonce })).nonce, nonce);
    }
    for (const length of [0, 129]) {
      const input = encodeOcspRequest({ requests: [CERT_ID], nonce: new Uint8Array(length) });
      refuses(() => decodeOcspRequest(input), 'X509_INVALID', 'ocspRequest.tbs.extensions[0].value');
    }
  });

  it('responses are read as they were written, of every status', () => {
    const certificate = hex('30030201 01');
    const { basic } = decodeOcspResponse(response({}, [certificate]));
    assert.deepEqual(
      basic?.responses.map(({ status }) => status),
      STATUSES,
    );
    assert.deepEqual(basic?.responses[0]?.certId.raw, CERT_ID.raw);
    assert.deepEqual(basic?.responses[0]?.nextUpdate, UNTIL);
    assert.deepEqual(basic?.responder, FIELDS.responder);
    assert.deepEqual(basic?.producedAt, FROM);
    assert.deepEqual(basic?.nonce, FIELDS.nonce);
    assert.deepEqual(basic?.certificates, [certificate]);
    const named = decodeOcspResponse(response({ responder: { byName: NAME } })).basic;
    assert.ok(named && 'byName' in named.responder && equalBytes(named.responder.byName.raw, NAME.raw));
  });

  it('responses keep extensions that are not known', () => {
    const { basic } = decodeOcspResponse(response({ extensions: [raw('1.2.3', '0500')] }));
    assert.deepEqual(
      basic?.extensions.map(({ oid }) => oid),
      [OID.ocspNonce, '1.2.3'],
    );
  });

  it('errors are read as they were written', () => {
    for (const status of ['malformedRequest', 'internalError', 'tryLater', 'sigRequired', 'unauthorized'] as const) {
      const { status: found, basic } = decodeOcspResponse(encodeOcspError(status));
      assert.deepEqual([found, basic], [status, undefined]);
    }
  });

  it('refuses a response about nothing, and a key hash of the wrong length', () => {
    refuses(
      () => decodeOcspResponse(response({ responses: [] })),
      'X509_INVALID',
      'ocspResponse.bytes.basic.tbs.responses',
    );
    refuses(
      () => decodeOcspResponse(response({ responder: { byKey: hex('00') } })),
      'X509_INVALID',
      'ocspResponse.bytes.basic.tbs.responder',
    );
  });

  it('openssl accepts our answer to its own question', function () {
    requireTool(this, 'openssl');
    const folder = mkdtempSync(join(tmpdir(), 'licet-ocsp-'));
    try {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const signatureAlgorithm = createAlgorithm(OID.ecdsaWithSha256);
      const tbs = encodeTbsCertificate({
        serial: hex('01'),
        signatureAlgorithm,
        issuer: NAME,
        notBefore: new Date('2020-01-01T00:00:00Z'),
        notAfter: new Date('2049-01-01T00:00:00Z'),
        subject: NAME,
        publicKey: { raw: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })) },
        extensions: [extension.basicConstraints({ ca: true }), extension.keyUsage(['keyCertSign', 'digitalSignature'])],
      });
      const issuer = encodeCertificate(tbs, signatureAlgorithm, new Uint8Array(sign('sha256', tbs, privateKey)));
      writeFileSync(join(folder, 'ca.pem'), encodePem('CERTIFICATE', issuer));
      const openssl = (...args: string[]): Buffer =>
        execFileSync('openssl', ['ocsp', '-issuer', 'ca.pem', ...args], {
          cwd: folder,
          stdio: ['ignore', 'pipe', 'pipe'],
        });
      openssl('-serial', '77', '-reqout', 'request.der');
      const request = decodeOcspRequest(new Uint8Array(execFileSync('cat', ['request.der'], { cwd: folder })));
      const byKey = new Uint8Array(createHash('sha1').update(decodeCertificate(issuer).publicKey.key).digest());
      const status: CertStatus = { kind: 'revoked', revokedAt: FROM, reason: 'superseded' };
      const answer = encodeTbsOcspResponse({
        responder: { byKey },
        producedAt: FROM,
        responses: request.requests.map((certId) => ({
          certId,
          status,
          thisUpdate: FROM,
          nextUpdate: new Date('2048-01-01T00:00:00Z'),
        })),
        nonce: request.nonce,
      });
      const signature = new Uint8Array(sign('sha256', answer, privateKey));
      writeFileSync(join(folder, 'response.der'), encodeOcspResponse(answer, signatureAlgorithm, signature));
      const text = openssl(
        '-serial',
        '77',
        '-reqin',
        'request.der',
        '-respin',
        'response.der',
        '-CAfile',
        'ca.pem',
        '-no_nonce',
      ).toString();
      assert.match(text, /77: revoked/);
      assert.match(text, /superseded/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
