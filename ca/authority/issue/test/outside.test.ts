import 'reflect-metadata';
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireTool } from '@licet/checks';
import { type Bytes, type Certificate, decodeCertificate, encodePem, type Name, OID, toHex } from '@licet/format';
import * as x509 from '@peculiar/x509';
import { Certificate as PkijsCertificate } from 'pkijs';
import type { KeyAlgorithm } from '../../ports/signer.ts';
import { CrlDraft } from '../../revoke/crl/draft.ts';
import type { IssuerGeneration } from '../issuer-generation.ts';
import { makeCsr, PROFILES, Workshop } from './workshop.ts';

type Issued = { readonly name: string; readonly certificate: Certificate; readonly issuer: IssuerGeneration };

const pem = (...ders: readonly Bytes[]) => ders.map((der) => encodePem('CERTIFICATE', der)).join('');

const hexOf = (bytes: ArrayBuffer): string => toHex(new Uint8Array(bytes));

const SHORT: Readonly<Record<string, string>> = {
  [OID.organizationName]: 'O',
  [OID.organizationalUnitName]: 'OU',
  [OID.commonName]: 'CN',
};

/** As OpenSSL prints a name over several lines. */
const lines = ({ rdns }: Name): string =>
  rdns
    .flat()
    .map(({ oid, value }) => `${SHORT[oid]}=${value}`)
    .join('\n');

/** One certificate of each profile. */
async function oneOfEach(shop: Workshop, algorithm: KeyAlgorithm): Promise<Issued[]> {
  const { root, organization, enterprise } = await shop.hierarchy(algorithm);
  const service = await shop.ca(root, 'service', algorithm);
  const next = await shop.signer.createKey({ purpose: 'root', algorithm, organization: 'acme' });
  const own = (generation: IssuerGeneration, issuer: IssuerGeneration) => ({
    certificate: generation.certificate!,
    issuer,
  });
  const key = { csr: makeCsr(algorithm) };
  const leaf = async (name: keyof typeof PROFILES, issuer: IssuerGeneration, change: object) => {
    const request = shop.siteRequest(issuer, {
      profile: PROFILES[name],
      key,
      principal: `${name} ${issuer.key}`,
      keyOwner: algorithm,
    });
    const { claims: _, ...withoutClaims } = request;
    const { certificate } = await shop.issuer.issue({ ...(name === 'site' ? request : withoutClaims), ...change });
    return { name, certificate: decodeCertificate(certificate), issuer };
  };
  const hosts = [
    { kind: 'dns', value: 'license.acme.example' },
    { kind: 'dns', value: '*.acme.example' },
    { kind: 'ip', bytes: Uint8Array.of(127, 0, 0, 1) },
  ];
  return [
    { name: 'root', ...own(root, root) },
    { name: 'organization', ...own(organization, root) },
    { name: 'enterprise', ...own(enterprise, organization) },
    { name: 'service-ca', ...own(service, root) },
    await leaf('link', root, {
      key: { held: next },
      subject: { organization: 'acme', commonName: 'Acme License Root' },
    }),
    await leaf('site', enterprise, {}),
    await leaf('service', service, { subject: { organization: 'acme', commonName: 'license server' }, hosts }),
    await leaf('ocsp', enterprise, {
      subject: { organization: 'acme', enterprise: 'globex', commonName: 'Globex OCSP' },
    }),
    await leaf('ocsp', root, { subject: { organization: 'acme', commonName: 'Root OCSP' } }),
    await leaf('manifest', organization, { subject: { organization: 'acme', commonName: 'Acme manifests' } }),
  ];
}

/** The lists of all shards of an issuer, with nothing on them. */
function emptyLists(shop: Workshop, issuer: IssuerGeneration): string {
  const { crls } = issuer.addresses!;
  const lists = crls.map((address) => {
    const draft = new CrlDraft({
      issuer: issuer.certificate!.der,
      algorithm: issuer.algorithm,
      address,
      isWhole: crls.length === 1,
      number: 1n,
      madeAt: shop.now,
      thisUpdate: shop.now,
      nextUpdate: new Date(shop.now.getTime() + 86_400_000),
      expectedEntries: 0,
    });
    const tbs = draft.finish();
    draft.prove(tbs, shop.signer.signNow({ key: issuer.key, kind: 'crl', bytes: tbs }));
    return encodePem('X509 CRL', draft.conclude(undefined).der);
  });
  return lists.join('');
}

describe('what others say about our certificates', () => {
  let folder: string;
  let all: Issued[];
  /** For libraries that read any algorithm: OpenSSL 3.0 and GnuTLS 3.7 know none of FIPS 204. */
  let postQuantum: Issued[];
  const shop = new Workshop();
  before(async function () {
    this.timeout(30_000);
    folder = mkdtempSync(join(tmpdir(), 'licet-issue-'));
    all = [
      ...(await oneOfEach(shop, 'P-256')),
      ...(await oneOfEach(shop, 'P-384')),
      ...(await oneOfEach(shop, 'RSA-3072')),
      ...(await oneOfEach(shop, 'Ed25519')),
    ];
    postQuantum = await oneOfEach(shop, 'ML-DSA-65');
    assert.deepEqual(new Set(all.map(({ name }) => name)), new Set(Object.keys(PROFILES)), 'one of each profile');
  });
  after(() => rmSync(folder, { recursive: true }));

  const write = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };

  it('Node reads the fields that we wrote', () => {
    for (const { name, certificate } of [...all, ...postQuantum]) {
      const theirs = new X509Certificate(certificate.der);
      const { extensions } = certificate;
      assert.equal(theirs.serialNumber, toHex(certificate.serial).toUpperCase());
      assert.equal(theirs.validFromDate.getTime(), certificate.notBefore.getTime());
      assert.equal(theirs.validToDate.getTime(), certificate.notAfter.getTime());
      assert.equal(theirs.ca, extensions.basicConstraints?.ca);
      assert.equal(theirs.subject, lines(certificate.subject), name);
      assert.equal(theirs.issuer, lines(certificate.issuer));
      assert.deepEqual(theirs.keyUsage, extensions.extendedKeyUsage);
      assert.equal(theirs.subjectAltName === undefined, extensions.subjectAltName === undefined);
      const spki = theirs.publicKey.export({ type: 'spki', format: 'der' });
      assert.equal(toHex(spki), toHex(certificate.publicKey.raw));
    }
  });

  it('@peculiar/x509 reads the fields that we wrote, and would write the same extensions', () => {
    for (const { certificate, issuer } of [...all, ...postQuantum]) {
      const theirs = new x509.X509Certificate(certificate.der.slice());
      assert.equal(theirs.serialNumber, toHex(certificate.serial));
      assert.equal(theirs.notBefore.getTime(), certificate.notBefore.getTime());
      assert.equal(theirs.notAfter.getTime(), certificate.notAfter.getTime());
      assert.equal(hexOf(theirs.subjectName.toArrayBuffer()), toHex(certificate.subject.raw));
      assert.equal(hexOf(theirs.issuerName.toArrayBuffer()), toHex(certificate.issuer.raw));
      assert.equal(hexOf(theirs.publicKey.rawData), toHex(certificate.publicKey.raw));
      assert.equal(hexOf(theirs.signature), toHex(certificate.signature));
      assert.deepEqual(
        Array.from(theirs.extensions, ({ type, critical, value }) => [type, critical, hexOf(value)]),
        certificate.extensions.all.map(({ oid, critical, value }) => [oid, critical, toHex(value)]),
      );
      const written: Record<string, x509.Extension> = {
        [OID.basicConstraints]: new x509.BasicConstraintsExtension(
          certificate.extensions.basicConstraints?.ca ?? false,
          certificate.extensions.basicConstraints?.pathLength,
          true,
        ),
        [OID.subjectKeyIdentifier]: new x509.SubjectKeyIdentifierExtension(
          toHex(certificate.extensions.subjectKeyIdentifier!),
        ),
        [OID.authorityKeyIdentifier]: new x509.AuthorityKeyIdentifierExtension(toHex(issuer.keyIdentifier)),
        [OID.keyUsage]: new x509.KeyUsagesExtension(theirs.getExtension(x509.KeyUsagesExtension)!.usages, true),
      };
      for (const { oid, value } of certificate.extensions.all) {
        const same = written[oid];
        if (same !== undefined) assert.equal(toHex(value), hexOf(same.value), oid);
      }
    }
  });

  it('pkijs reads the fields that we wrote, and writes the same bytes back', () => {
    for (const { certificate } of [...all, ...postQuantum]) {
      const theirs = PkijsCertificate.fromBER(certificate.der.slice().buffer);
      assert.equal(toHex(theirs.serialNumber.valueBlock.valueHexView), toHex(certificate.serial));
      assert.equal(theirs.notBefore.value.getTime(), certificate.notBefore.getTime());
      assert.equal(theirs.notAfter.value.getTime(), certificate.notAfter.getTime());
      assert.equal(hexOf(theirs.subject.toSchema().toBER()), toHex(certificate.subject.raw));
      assert.equal(hexOf(theirs.subjectPublicKeyInfo.toSchema().toBER()), toHex(certificate.publicKey.raw));
      assert.deepEqual(
        theirs.extensions?.map(({ extnID, critical, extnValue }) => [
          extnID,
          critical,
          toHex(extnValue.valueBlock.valueHexView),
        ]),
        certificate.extensions.all.map(({ oid, critical, value }) => [oid, critical, toHex(value)]),
      );
      assert.equal(hexOf(theirs.encodeTBS().toBER()), toHex(certificate.tbs));
    }
  });

  it('openssl verify accepts each under -x509_strict, the license policy and the CRLs of all above', function () {
    requireTool(this, 'openssl');
    const listsOf = new Map(
      [...shop.generations.values()].map((issuer) => [issuer.certificate, emptyLists(shop, issuer)]),
    );
    for (const { name, certificate, issuer } of all) {
      const root = write('root.pem', pem(issuer.chain.at(-1)!.der));
      const chain = write('chain.pem', pem(...issuer.chain.slice(0, -1).map(({ der }) => der)));
      const leaf = write('leaf.pem', pem(certificate.der));
      const untrusted = issuer.chain.length > 1 ? ['-untrusted', chain] : [];
      const policy =
        name === 'site' || name === 'enterprise'
          ? ['-policy_check', '-explicit_policy', '-policy', OID.licensePolicy]
          : [];
      const at = ['-attime', String(shop.now.getTime() / 1000)];
      // RFC 6960 §4.2.2.2.1: nobody asks whether the one who answers is revoked, so no list speaks of it.
      const lists = issuer.chain.map((above) => listsOf.get(above)!).join('');
      const crls = name === 'ocsp' ? [] : ['-crl_check_all', '-extended_crl', '-CRLfile', write('crls.pem', lists)];
      const out = execFileSync(
        'openssl',
        ['verify', '-x509_strict', ...at, ...policy, ...crls, '-CAfile', root, ...untrusted, leaf],
        { encoding: 'utf8' },
      );
      assert.match(out, /: OK$/m, name);
    }
  }).timeout(20_000);

  it('openssl x509 prints them', function () {
    requireTool(this, 'openssl');
    const site = all.find(({ name }) => name === 'site')!;
    const text = execFileSync(
      'openssl',
      ['x509', '-noout', '-text', '-in', write('site.pem', pem(site.certificate.der))],
      { encoding: 'utf8' },
    );
    for (const line of [
      'Issuer: O = acme, OU = globex, CN = Acme enterprise CA',
      'Subject: O = acme, OU = globex, CN = plant-7',
      'URI:license://globex.acme/plant-7',
      'TLS Web Client Authentication',
      'CA:FALSE',
      'Not After : Dec 21 11:54:59 2026 GMT',
    ]) {
      assert.ok(text.includes(line), `${line}\n${text}`);
    }
  });

  it('certtool accepts the chains', function () {
    requireTool(this, 'certtool', 'faketime');
    for (const { name, certificate, issuer } of all) {
      if (name === 'root') continue;
      const root = write('root.pem', pem(issuer.chain.at(-1)!.der));
      const chain = write('chain.pem', pem(certificate.der, ...issuer.chain.map(({ der }) => der)));
      const args = [
        '-f',
        '2026-11-21 12:30:00',
        'certtool',
        '--verify',
        '--verify-profile',
        'medium',
        '--load-ca-certificate',
        root,
        '--infile',
        chain,
      ];
      const env = { ...process.env, TZ: 'UTC' };
      const { stdout, stderr, status } = spawnSync('faketime', args, { encoding: 'utf8', env });
      assert.equal(status, 0, `${name}: ${stdout}${stderr}`);
      assert.match(stdout, /Verified\. The certificate is trusted/);
    }
  }).timeout(20_000);

  it('zlint finds no error by the rules of the RFCs', function () {
    requireTool(this, 'zlint');
    for (const { name, certificate } of [...all, ...postQuantum]) {
      const path = write('lint.pem', pem(certificate.der));
      const sources = 'RFC3279,RFC5280,RFC5480,RFC5891,RFC8813,Community';
      const results = JSON.parse(
        execFileSync('zlint', ['-includeSources', sources, path], { encoding: 'utf8' }),
      ) as Record<string, { result: string }>;
      assert.ok(Object.keys(results).length > 100);
      const found = Object.entries(results).filter(([, { result }]) => ['error', 'fatal', 'warn'].includes(result));
      assert.deepEqual(found, [], name);
    }
  }).timeout(20_000);
});
