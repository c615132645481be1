import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeCsr, PROFILES } from '@licet/authority/workshop';
import { requireTool } from '@licet/checks';
import { encodePem, toHex } from '@licet/format';
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

describe('what others say of our revocations', () => {
  let database: TestDatabase;
  let shop: Shop;
  let good: License;
  let bad: License;
  let held: License;
  const file = (name: string) => join(shop.folder, name);
  const pem = (name: string, ...ders: readonly Uint8Array[]) => {
    writeFileSync(file(name), ders.map((der) => encodePem('CERTIFICATE', der)).join(''));
    return file(name);
  };
  before(async function () {
    database = await testDatabase(this);
    shop = await Shop.open(database, 2);
    [good, bad, held] = [await shop.license(), await shop.license(), await shop.license()];
    await shop.revoker.change(shop.order({ type: 'revoke', reason: 'keyCompromise' }), bad);
    await shop.revoker.change(shop.order({ type: 'hold' }), held);
    const { serial } = shop.service.certificate!;
    const superseded = shop.order({ type: 'revoke', reason: 'superseded' });
    await shop.revoker.change(superseded, { issuer: shop.root.key, serial });
    const summary = await shop.publish();
    assert.deepEqual(summary, { published: 5, refused: 0, busy: 0 });
    pem('ca.pem', shop.enterprise.certificate!.der);
    pem('root.pem', shop.root.certificate!.der);
    pem('chain.pem', shop.enterprise.certificate!.der, shop.organization.certificate!.der);
    pem('all.pem', ...shop.enterprise.chain.map(({ der }) => der));
    pem('good.pem', good.der);
    pem('bad.pem', bad.der);
    pem('held.pem', held.der);
  });
  after(async () => {
    await shop?.close();
    await database?.close();
  });

  for (const hash of ['-sha1', '-sha256']) {
    it(`openssl ocsp: good, revoked, suspended and never issued, with ${hash}`, async function () {
      requireTool(this, 'openssl');
      const args = ['ocsp', '-issuer', file('ca.pem'), hash, '-url', `${shop.served.url}/ocsp`];
      const trust = ['-CAfile', file('all.pem')];
      const ask = async (...more: string[]) => {
        const text = await said('openssl', ...args, ...trust, ...more);
        assert.match(text, /Response verify OK/);
        return text;
      };
      assert.match(await ask('-cert', file('good.pem')), /: good/);
      assert.match(await ask('-cert', file('bad.pem')), /: revoked[^]*Reason: keyCompromise/);
      assert.match(await ask('-cert', file('held.pem')), /: revoked[^]*Reason: certificateHold/);
      assert.match(await ask('-serial', '0x4711'), /: unknown/);
      assert.match(await ask('-no_nonce', '-cert', file('bad.pem')), /: revoked/);
      const both = await ask('-cert', file('good.pem'), '-cert', file('bad.pem'));
      assert.match(both, /good\.pem: good[^]*bad\.pem: revoked/);
      assert.doesNotMatch(both, /WARNING: no nonce/);
    }).timeout(10_000);
  }

  it('ocsptool of GnuTLS', async function () {
    requireTool(this, 'ocsptool');
    const ask = (name: string) =>
      said(
        'ocsptool',
        `--ask=${shop.served.url}/ocsp`,
        '--load-issuer',
        file('ca.pem'),
        '--load-cert',
        file(name),
        '--load-trust',
        file('ca.pem'),
      );
    const first = await ask('good.pem');
    assert.match(first, /Verifying OCSP Response: Success/);
    assert.match(first, /Certificate Status: good/);
    assert.match(await ask('bad.pem'), /Certificate Status: revoked[^]*Revocation time/);
  }).timeout(10_000);

  it('openssl crl and openssl verify -crl_check_all -extended_crl', async function () {
    requireTool(this, 'openssl', 'curl');
    const crls: string[] = [];
    const lists = [shop.enterprise, shop.organization, shop.root].flatMap((generation) =>
      generation.addresses!.crls.map((url) => ({ generation, url })),
    );
    for (const [i, { generation, url }] of lists.entries()) {
      await run('curl', ['-sf', '-o', file(`${i}.crl`), url]);
      await run('curl', ['-sf', '-o', file(`${i}.crl.pem`), url.replace(/crl$/, 'pem')]);
      const ca = pem(`issuer-${i}.pem`, generation.certificate!.der);
      const text = await said('openssl', 'crl', '-in', file(`${i}.crl`), '-CAfile', ca, '-noout', '-text', '-verify');
      assert.match(text, /verify OK/);
      assert.equal(/X509v3 Issuing Distribution Point: critical/.test(text), generation !== shop.root);
      crls.push('-CRLfile', file(`${i}.crl.pem`));
    }
    const check = (name: string) =>
      said(
        'openssl',
        'verify',
        '-x509_strict',
        '-crl_check_all',
        '-extended_crl',
        '-CAfile',
        file('root.pem'),
        '-untrusted',
        file('chain.pem'),
        ...crls,
        file(name),
      );
    assert.match(await check('good.pem'), /good\.pem: OK/);
    assert.match(await check('bad.pem'), /certificate revoked/);
    assert.match(await check('held.pem'), /certificate revoked/);
  }).timeout(10_000);

  it('certtool of GnuTLS: each list by its issuer, and what is revoked on it', async function () {
    requireTool(this, 'certtool', 'curl');
    const found: string[] = [];
    for (const generation of [shop.enterprise, shop.organization, shop.root]) {
      const ca = pem('gnutls-ca.pem', generation.certificate!.der);
      for (const url of generation.addresses!.crls) {
        await run('curl', ['-sf', '-o', file('gnutls.pem'), url.replace(/crl$/, 'pem')]);
        const args = ['--verify-crl', '--load-ca-certificate', ca, '--infile', file('gnutls.pem')];
        const text = await said('certtool', ...args);
        assert.match(text, /Verification output: Verified\./);
        found.push(...text.matchAll(/Serial Number .*: ([0-9a-f]+)/g).map(([, serial]) => serial!));
      }
    }
    const revoked = [bad.serial, held.serial, shop.service.certificate!.serial].map((serial) => toHex(serial));
    assert.deepEqual(found.toSorted(), revoked.toSorted());
  }).timeout(10_000);

  it('zlint finds no error on any list by the rules of RFC 5280', async function () {
    requireTool(this, 'zlint', 'curl');
    for (const url of [shop.enterprise, shop.organization, shop.root].flatMap(({ addresses }) => addresses!.crls)) {
      await run('curl', ['-sf', '-o', file('lint.pem'), url.replace(/crl$/, 'pem')]);
      const { stdout } = await run('zlint', ['-includeSources', 'RFC5280', file('lint.pem')]);
      const results = Object.entries(JSON.parse(stdout) as Record<string, { result: string }>);
      assert.ok(
        results.some(([, { result }]) => result === 'pass'),
        stdout,
      );
      const bad = results.filter(([, { result }]) => ['error', 'fatal', 'warn'].includes(result));
      assert.deepEqual(bad, [], url);
    }
  }).timeout(10_000);

  it('strongSwan fetches the CRL by the address in the certificate', async function () {
    requireTool(this, 'pki');
    // Version 5.9.8 cannot read name constraints, so our enterprise CAs are beyond it; it meets the root's.
    const check = (name: string) =>
      said('pki', '--verify', '--in', file(name), '--cacert', file('root.pem'), '--online');
    pem('organization.pem', shop.organization.certificate!.der);
    pem('service.pem', shop.service.certificate!.der);
    assert.match(await check('organization.pem'), /certificate trusted[^]*certificate status is good/);
    assert.match(await check('service.pem'), /certificate was revoked/);
  }).timeout(20_000);

  it('strongSwan takes our OCSP answer about a TLS certificate, and the CRL of the root about the CA above it', async function () {
    requireTool(this, 'pki');
    const below = [...(await shop.generations()), shop.service];
    shop.generations = async () => below;
    shop.responder = shop.otherResponder();
    await shop.renew();
    const { certificate } = await shop.issuer.issue({
      profile: PROFILES.service,
      issuer: shop.service,
      key: { csr: makeCsr('P-256') },
      subject: { organization: 'acme', commonName: 'localhost' },
      hosts: [{ kind: 'dns', value: 'localhost' }],
      principal: 'test server',
      keyOwner: 'test server',
      context: {},
    });
    pem('tls.pem', certificate);
    pem('service.pem', shop.service.certificate!.der);
    const trust = ['--cacert', file('root.pem'), '--cacert', file('service.pem')];
    const text = await said('pki', '--verify', '--in', file('tls.pem'), ...trust, '--online');
    const [own = '', above = ''] = text.split('checking certificate status of "O=acme, CN=Acme Service CA"');
    assert.match(own, /ocsp response correctly signed by "O=acme, CN=OCSP responder [^]*certificate status is good/);
    assert.doesNotMatch(own, /fetching crl/);
    assert.match(above, /crl correctly signed by "O=acme, CN=Acme Root"/);
  }).timeout(20_000);
});
