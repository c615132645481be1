import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { requireTool } from '@licet/checks';
import {
  createAlgorithm,
  decodeCertificationRequest,
  encodeCertificationRequest,
  encodeCertificationRequestInfo,
  equalBytes,
  explicit,
  extension,
  OID,
  Tag,
  type Bytes,
  type CertificationRequestFields,
} from '@licet/format';
import { der, hex, NAME, raw } from './build.ts';
import { SEEDS } from './mutants.ts';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ALGORITHM = createAlgorithm(OID.ecdsaWithSha256);

function request(fields: Partial<CertificationRequestFields> = {}): Bytes {
  const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
  const info = encodeCertificationRequestInfo({ subject: NAME, publicKey: { raw: spki }, ...fields });
  return encodeCertificationRequest(info, ALGORITHM, new Uint8Array(sign('sha256', info, privateKey)));
}

function encodeAttribute({ oid, values }: { oid: string; values: readonly Bytes[] }): Bytes {
  return der((to) => {
    to.open(Tag.SEQUENCE).oid(oid).open(Tag.SET);
    for (const value of values) to.raw(value);
    to.close().close();
  });
}

const FULL = {
  requestedExtensions: [extension.subjectAltName([{ kind: 'dns', value: 'a.example' }]), raw('1.2.3', '0500')],
  challengePassword: 'tls-unique+/=',
  attributes: [{ oid: OID.predecessorSerial, values: [hex('0403010203')] }],
};

describe('certification requests, RFC 2986', () => {
  it('are read as they were written', () => {
    const decoded = decodeCertificationRequest(request(FULL));
    assert.equal(decoded.challengePassword, FULL.challengePassword);
    assert.deepEqual(decoded.requestedExtensions?.subjectAltName, [{ kind: 'dns', value: 'a.example' }]);
    assert.equal(decoded.requestedExtensions?.all.length, 2);
    assert.deepEqual(decoded.attributes.find(({ oid }) => oid === OID.predecessorSerial)?.values, [hex('0403010203')]);
    assert.ok(equalBytes(decoded.subject.raw, NAME.raw));
  });

  it('need no attribute', () => {
    const decoded = decodeCertificationRequest(request());
    assert.deepEqual(
      [decoded.attributes, decoded.requestedExtensions, decoded.challengePassword],
      [[], undefined, undefined],
    );
  });

  it('are read with their attributes in any order, RFC 2986 §4.1', () => {
    const attributes = decodeCertificationRequest(request(FULL)).attributes.map(encodeAttribute);
    assert.equal(attributes.length, 3);
    for (const order of [attributes, attributes.toReversed()]) {
      const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
      const unsorted = der((to) => {
        to.open(Tag.SEQUENCE).integer(0).raw(NAME.raw).raw(spki).open(explicit(0));
        for (const attribute of order) to.raw(attribute);
        to.close().close();
      });
      const signature = new Uint8Array(sign('sha256', unsorted, privateKey));
      const read = decodeCertificationRequest(encodeCertificationRequest(unsorted, ALGORITHM, signature));
      assert.equal(read.challengePassword, FULL.challengePassword);
    }
  });

  it('keep a password that is not ASCII', () => {
    assert.equal(decodeCertificationRequest(request({ challengePassword: 'Süß' })).challengePassword, 'Süß');
  });

  it('of openssl are written exactly as they were', () => {
    const { bytes } = SEEDS.find(({ name }) => name.startsWith('request'))!;
    const { subject, publicKey, attributes, info, signatureAlgorithm, signature } = decodeCertificationRequest(bytes);
    const again = encodeCertificationRequestInfo({ subject, publicKey, attributes });
    assert.ok(equalBytes(again, info));
    assert.ok(equalBytes(encodeCertificationRequest(again, signatureAlgorithm, signature), bytes));
  });

  it('are verified by openssl', function () {
    requireTool(this, 'openssl');
    const args = ['req', '-inform', 'DER', '-noout', '-text', '-verify'];
    const text = execFileSync('openssl', args, { input: request(FULL), stdio: ['pipe', 'pipe', 'ignore'] }).toString();
    for (const part of ['DNS:a.example', 'challengePassword        :tls-unique+/=', 'CN = Test']) {
      assert.ok(text.includes(part), `${part} in ${text}`);
    }
  });

  it('are verified by @peculiar/x509', async () => {
    const theirs = new x509.Pkcs10CertificateRequest(request(FULL));
    assert.equal(await theirs.verify(), true);
    assert.deepEqual(
      Array.from(theirs.extensions, ({ type }) => type),
      [OID.subjectAltName, '1.2.3'],
    );
  });
});
