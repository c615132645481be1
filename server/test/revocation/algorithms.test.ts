import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { hash, X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { KeyAlgorithm } from '@licet/authority';
import { requireTool } from '@licet/checks';
import { createAlgorithm, decodeCertificate, encodeCertId, encodeOcspRequest, encodePem, OID } from '@licet/format';
import { checkOcspSync, TrustAnchors, verifyLicenseSync } from '@licet/verify';
import { type TestDatabase, testDatabase } from '../../persistence/test/test-database.ts';
import { type License, Shop } from './shop.ts';

const run = promisify(execFile);

/** What a program said, in both of its streams, however it ended. */
async function said(program: string, ...args: readonly string[]): Promise<string> {
  try {
    const { stdout, stderr } = await run(program, [...args]);
    return stdout + stderr;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    return stdout + stderr;
  }
}

const fetched = async (url: string) => new Uint8Array(await (await fetch(url)).arrayBuffer());

/** P-256 has tests of its own, next door. `isKnown`: OpenSSL 3.0 and GnuTLS 3.7 know none of FIPS 204. */
const ALGORITHMS: readonly { readonly algorithm: KeyAlgorithm; readonly isKnown: boolean }[] = [
  { algorithm: 'P-384', isKnown: true },
  { algorithm: 'RSA-3072', isKnown: true },
  { algorithm: 'Ed25519', isKnown: true },
  { algorithm: 'ML-DSA-65', isKnown: false },
];

for (const { algorithm, isKnown } of ALGORITHMS) {
  describe(`certificates, CRLs and OCSP answers by ${algorithm} at every level`, () => {
    let database: TestDatabase;
    let shop: Shop;
    let good: License;
    let bad: License;
    let crls: Uint8Array[];
    const file = (name: string) => join(shop.folder, name);
    const pem = (name: string, label: string, ders: readonly Uint8Array[]) => {
      writeFileSync(file(name), ders.map((der) => encodePem(label, der)).join(''));
      return file(name);
    };
    before(async function () {
      this.timeout(30_000);
      database = await testDatabase(this);
      shop = await Shop.open(database, 2, undefined, algorithm);
      [good, bad] = [await shop.license(), await shop.license()];
      await shop.revoker.change(shop.order({ type: 'revoke', reason: 'keyCompromise' }), bad);
      assert.deepEqual(await shop.publish(), { published: 5, refused: 0, busy: 0 });
      const chain = shop.enterprise.chain;
      pem(
        'all.pem',
        'CERTIFICATE',
        chain.map(({ der }) => der),
      );
      pem('root.pem', 'CERTIFICATE', [chain.at(-1)!.der]);
      pem(
        'chain.pem',
        'CERTIFICATE',
        chain.slice(0, -1).map(({ der }) => der),
      );
      pem('good.pem', 'CERTIFICATE', [good.der]);
      pem('bad.pem', 'CERTIFICATE', [bad.der]);
      const urls = [shop.enterprise, shop.organization, shop.root].flatMap(({ addresses }) => addresses!.crls);
      crls = await Promise.all(urls.map(fetched));
      pem('crls.pem', 'X509 CRL', crls);
    });
    after(async () => {
      await shop?.close();
      await database?.close();
    });

    async function askOcsp({ der }: License): Promise<string> {
      const issuer = shop.enterprise.certificate!;
      const raw = encodeCertId({
        hashAlgorithm: createAlgorithm(OID.sha256),
        issuerNameHash: hash('sha256', issuer.subject.raw, 'buffer'),
        issuerKeyHash: hash('sha256', issuer.publicKey.key, 'buffer'),
        serial: decodeCertificate(der).serial,
      });
      const headers = { 'Content-Type': 'application/ocsp-request' };
      const body = Buffer.from(encodeOcspRequest({ requests: [{ raw }] }));
      const response = await fetch(`${shop.served.url}/ocsp`, { method: 'POST', body, headers });
      return checkOcspSync(new Uint8Array(await response.arrayBuffer()), { cert: der, issuer, at: shop.now }).status;
    }

    it('hold for Node and for our own verifier, the CRLs and the OCSP answer too', async () => {
      const above = shop.enterprise.chain.map(({ der }) => new X509Certificate(der));
      for (const [i, certificate] of [new X509Certificate(good.der), ...above.slice(0, -1)].entries()) {
        assert.equal(certificate.verify(above[i]!.publicKey), true);
      }
      const verdictOn = ({ der }: License) => {
        const chain = [der, ...shop.enterprise.chain.slice(0, -1).map((certificate) => certificate.der)];
        return verifyLicenseSync(chain.map((each) => encodePem('CERTIFICATE', each)).join(''), {
          anchors: TrustAnchors.fromDer([shop.root.certificate!.der]),
          at: shop.now,
          evidence: { crls },
        });
      };
      assert.equal(verdictOn(good).usable, true);
      assert.equal(verdictOn(good).evidence.kind, 'crl');
      assert.ok(verdictOn(bad).codes.some(({ code }) => code === 'REVOKED'));
      assert.deepEqual([await askOcsp(good), await askOcsp(bad)], ['good', 'revoked']);
    });

    if (!isKnown) return;

    it('hold for openssl verify -x509_strict -crl_check_all -extended_crl', async function () {
      requireTool(this, 'openssl');
      const strict = ['-x509_strict', '-crl_check_all', '-extended_crl'];
      const files = ['-CAfile', file('root.pem'), '-untrusted', file('chain.pem'), '-CRLfile', file('crls.pem')];
      assert.match(await said('openssl', 'verify', ...strict, ...files, file('good.pem')), /good\.pem: OK/);
      assert.match(await said('openssl', 'verify', ...strict, ...files, file('bad.pem')), /certificate revoked/);
    }).timeout(10_000);

    it('hold for openssl ocsp and for ocsptool of GnuTLS', async function () {
      requireTool(this, 'openssl', 'ocsptool');
      const ca = pem('ca.pem', 'CERTIFICATE', [shop.enterprise.certificate!.der]);
      const url = `${shop.served.url}/ocsp`;
      for (const [name, status] of [
        ['good.pem', 'good'],
        ['bad.pem', 'revoked'],
      ] as const) {
        const trust = ['-CAfile', file('all.pem'), '-url', url];
        const openssl = await said('openssl', 'ocsp', '-issuer', ca, '-cert', file(name), ...trust);
        assert.match(openssl, /Response verify OK/);
        assert.match(openssl, new RegExp(`: ${status}`));
        const files = ['--load-issuer', ca, '--load-cert', file(name), '--load-trust', ca];
        const gnutls = await said('ocsptool', `--ask=${url}`, ...files);
        assert.match(gnutls, /Verifying OCSP Response: Success/);
        assert.match(gnutls, new RegExp(`Certificate Status: ${status}`));
      }
    }).timeout(10_000);

    it('hold for certtool of GnuTLS, each list by its issuer', async function () {
      requireTool(this, 'certtool');
      for (const [i, crl] of crls.entries()) {
        const list = pem('list.pem', 'X509 CRL', [crl]);
        const issuer = [shop.enterprise, shop.enterprise, shop.organization, shop.organization, shop.root][i]!;
        const ca = pem('issuer.pem', 'CERTIFICATE', [issuer.certificate!.der]);
        const text = await said('certtool', '--verify-crl', '--load-ca-certificate', ca, '--infile', list);
        assert.match(text, /Verification output: Verified\./);
      }
      const chain = pem('whole.pem', 'CERTIFICATE', [good.der, ...shop.enterprise.chain.map(({ der }) => der)]);
      const trust = ['--load-ca-certificate', file('root.pem'), '--load-crl', file('crls.pem'), '--infile', chain];
      const text = await said('certtool', '--verify', '--verify-profile', 'medium', ...trust);
      assert.match(text, /Verified\. The certificate is trusted/);
    }).timeout(10_000);
  });
}
