import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Certificate, decodeCertificate, decodeClaims, equalBytes, formatName, OID, toHex } from '@licet/format';
import type { KeyAlgorithm } from '../../ports/signer.ts';
import { IssuerGeneration } from '../issuer-generation.ts';
import { prepare } from '../prepare.ts';
import { prove } from '../prove.ts';
import { newSerial, shardOf } from '../serial.ts';
import { Ticket } from '../ticket.ts';
import { claims, CONTRACT, makeCsr, PROFILES, START, Workshop } from './workshop.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;

describe('issuing', () => {
  const shop = new Workshop();
  let root: IssuerGeneration;
  let organization: IssuerGeneration;
  let enterprise: IssuerGeneration;
  let site: Certificate;
  before(async () => {
    ({ root, organization, enterprise } = await shop.hierarchy());
    site = decodeCertificate((await shop.issuer.issue(shop.siteRequest(enterprise))).certificate);
  });

  it('makes a license as the design describes it', () => {
    assert.equal(formatName(site.subject), 'CN=plant-7,OU=globex,O=acme');
    assert.deepEqual(site.extensions.subjectAltName, [{ kind: 'uri', value: 'license://globex.acme/plant-7' }]);
    assert.deepEqual(site.extensions.extendedKeyUsage, [OID.licensePurpose, OID.clientAuth]);
    assert.deepEqual(
      site.extensions.certificatePolicies?.map(({ oid }) => oid),
      [OID.licensePolicy],
    );
    assert.deepEqual(site.extensions.basicConstraints, { ca: false, pathLength: undefined });
    const extension = site.extensions.all.find(({ oid }) => oid === OID.licenseClaims);
    assert.equal(extension?.critical, false);
    assert.deepEqual(decodeClaims(extension.value), claims());
  });

  it('dates it back by five minutes and ends it within thirty days', () => {
    assert.equal(site.notBefore.getTime(), START.getTime() - 5 * MINUTE);
    assert.equal(site.notAfter.getTime(), START.getTime() - 5 * MINUTE + 30 * DAY - 1000);
  });

  it('leaves a trace of each certificate: serial, bytes, profile, claims and who asked', () => {
    const intent = shop.store.intents.find(({ serial }) => equalBytes(serial, site.serial));
    assert.deepEqual(intent?.context, { site: 'plant-7' });
    assert.equal(intent.profile, 'site');
    assert.deepEqual(intent.claims, claims());
    assert.ok(equalBytes(intent.tbs, site.tbs));
  });

  it('points each certificate to the addresses of the key that signed it, and to the shard of its serial', () => {
    const { caIssuers, ocsp, crls } = enterprise.addresses!;
    const urls = site.extensions.authorityInfoAccess?.map(({ location }) =>
      location.kind === 'uri' ? location.value : '',
    );
    assert.deepEqual(urls, [ocsp, caIssuers]);
    assert.match(caIssuers, new RegExp(`/ca/${toHex(enterprise.keyIdentifier)}\\.cer$`));
    const point = site.extensions.crlDistributionPoints?.[0]?.point;
    assert.deepEqual(point, { kind: 'full', names: [{ kind: 'uri', value: crls[shardOf(site.serial, crls.length)] }] });
  });

  it('keeps an enterprise within its contract, its issuer and the wish of the caller', async () => {
    const term = { from: CONTRACT.term.from, to: new Date('2027-03-01T00:00:00Z') };
    const short = await shop.ca(organization, 'enterprise', 'P-256', { claims: { ...CONTRACT, term } });
    assert.equal(short.certificate?.notAfter.toISOString(), '2027-02-28T23:59:59.000Z');
    const until = new Date('2026-12-01T10:00:00.500Z');
    const wished = await shop.ca(organization, 'enterprise', 'P-256', { until });
    assert.equal(wished.certificate?.notAfter.toISOString(), '2026-12-01T10:00:00.000Z');
    const { certificate } = await shop.issuer.issue(shop.siteRequest(wished, { principal: 'short' }));
    assert.deepEqual(decodeCertificate(certificate).notAfter, wished.certificate.notAfter);
  });

  it('does not issue when a certificate above is not valid, yet or any more', async () => {
    const request = shop.siteRequest(enterprise, { principal: 'out of time' });
    shop.now = new Date('2026-11-21T11:00:00Z');
    await assert.rejects(shop.issuer.issue(request), { code: 'ISSUER_NOT_VALID' });
    shop.now = new Date('2029-01-01T00:00:00Z');
    await assert.rejects(shop.issuer.issue(request), { code: 'ISSUER_ENDED' });
    shop.now = START;
  });

  const wrong: { name: string; change: () => Parameters<Workshop['siteRequest']>[1]; code: string }[] = [
    { name: 'a license by an organization', change: () => ({ issuer: organization }), code: 'ISSUER_NOT_VALID' },
    {
      name: 'an enterprise CA by an enterprise',
      change: () => ({ profile: PROFILES.enterprise }),
      code: 'ISSUER_NOT_VALID',
    },
    {
      name: 'a second root by a root',
      change: () => ({ profile: PROFILES.root, issuer: root }),
      code: 'ISSUER_NOT_VALID',
    },
    {
      name: 'another enterprise',
      change: () => ({ subject: { organization: 'acme', enterprise: 'initech', commonName: 'x' } }),
      code: 'NAME_INVALID',
    },
    {
      name: 'another organization',
      change: () => ({ subject: { organization: 'evil', enterprise: 'globex', commonName: 'x' } }),
      code: 'NAME_INVALID',
    },
    {
      name: 'no enterprise',
      change: () => ({ subject: { organization: 'acme', commonName: 'x' } }),
      code: 'NAME_INVALID',
    },
    {
      name: 'a site with a dot, which OpenSSL takes for a host name',
      change: () => ({ subject: { organization: 'acme', enterprise: 'globex', commonName: 'plant.berlin' } }),
      code: 'NAME_INVALID',
    },
    {
      name: 'a site that breaks out of its URI',
      change: () => ({ subject: { organization: 'acme', enterprise: 'globex', commonName: 'a/../b' } }),
      code: 'NAME_INVALID',
    },
    {
      name: 'a site with a host name',
      change: () => ({ hosts: [{ kind: 'dns', value: 'www.example.com' }] }),
      code: 'NAME_INVALID',
    },
    {
      name: 'an organization by the name of its root',
      change: () => ({
        profile: PROFILES.organization,
        issuer: root,
        subject: { organization: 'acme', commonName: 'ACME License Root' },
      }),
      code: 'NAME_INVALID',
    },
    {
      name: 'two modes',
      change: () => ({ claims: claims({ modes: ['production', 'development'] }) }),
      code: 'LINT_FAILED',
    },
    {
      name: 'more machines than the enterprise has',
      change: () => ({ claims: claims({ limits: [{ code: 'machines', max: 11, scope: 'each', enforce: 'soft' }] }) }),
      code: 'CLAIMS_ABOVE_PARENT',
    },
    {
      name: 'more than the contract, though the issuer has it',
      change: () => ({ contract: claims({ features: ['press'] }) }),
      code: 'CLAIMS_ABOVE_PARENT',
    },
  ];
  for (const { name, change, code } of wrong) {
    it(`refuses ${name}: ${code}`, async () => {
      const before = shop.store.intents.length;
      await assert.rejects(shop.issuer.issue(shop.siteRequest(enterprise, { principal: name, ...change() })), { code });
      assert.equal(shop.store.intents.length, before);
    });
  }

  it('names each claim above the parent', async () => {
    const greedy = claims({
      tier: { rank: 99, code: 'diamond' },
      features: ['press', 'press/remote', 'reactor'],
      grace: 9_999_999,
    });
    await assert.rejects(
      shop.issuer.issue(shop.siteRequest(enterprise, { claims: greedy })),
      (error: { details: string[] }) => {
        assert.deepEqual(
          error.details.map((detail) => detail.split(':')[0]),
          ['tier', 'features', 'grace'],
        );
        return true;
      },
    );
  });

  it('signs each ticket once', () => {
    const ticket = prepare(shop.siteRequest(enterprise), { now: START, random: shop.random });
    ticket.redeem();
    assert.throws(() => ticket.redeem(), { code: 'TICKET_USED' });
  });

  it('lets nobody but prepare make a ticket', () => {
    const { intent, issuer, preview } = prepare(shop.siteRequest(enterprise), { now: START, random: shop.random });
    // @ts-expect-error the constructor is private, and a plain call of it fails too
    assert.throws(() => new Ticket(Symbol('mint'), intent, issuer, preview), TypeError);
    const importers = globSync('**/*.ts', { cwd: join(import.meta.dirname, '../..') }).filter(
      (file) =>
        !file.includes('test/') &&
        /\bmakeTicket\b/.test(readFileSync(join(import.meta.dirname, '../..', file), 'utf8')),
    );
    assert.deepEqual(importers.toSorted(), ['issue/prepare.ts', 'issue/ticket.ts']);
  });

  it('does not hand out what was signed by another key, or is not what was recorded', () => {
    const ticket = prepare(shop.siteRequest(enterprise), { now: START, random: shop.random });
    const { intent, issuer, preview } = ticket;
    const signature = (key: string, bytes = intent.tbs) => shop.signer.signNow({ key, kind: 'certificate', bytes });
    assert.throws(() => prove(intent.tbs, signature(organization.key), issuer, START), { code: 'PROOF_FAILED' });
    const other = prepare(shop.siteRequest(enterprise), { now: START, random: shop.random }).intent.tbs;
    assert.throws(() => prove(intent.tbs, signature(issuer.key, other), issuer, START), { code: 'PROOF_FAILED' });
    assert.throws(() => prove(intent.tbs, new Uint8Array(70), issuer, START), { code: 'PROOF_FAILED' });
    assert.throws(() => prove(organization.certificate!.tbs, signature(issuer.key), issuer, START), {
      code: 'PROOF_FAILED',
    });
    for (const wrong of [
      signature(organization.key),
      signature(issuer.key, other),
      Uint8Array.of(...signature(issuer.key), 0),
    ]) {
      assert.throws(() => prove(intent.tbs, wrong, issuer, START, preview), { code: 'PROOF_FAILED' });
    }
    assert.throws(() => prove(other, signature(issuer.key, other), issuer, START, preview), { code: 'PROOF_FAILED' });
    const good = signature(issuer.key);
    assert.deepEqual(prove(intent.tbs, good, issuer, START, preview), prove(intent.tbs, good, issuer, START));
  });

  it('does not hand out a root that did not sign itself', async () => {
    const key = await shop.signer.createKey({ purpose: 'root', algorithm: 'P-256', organization: 'acme' });
    const rootToBe = IssuerGeneration.rootToBe(key);
    const { intent } = prepare(
      {
        profile: PROFILES.root,
        issuer: rootToBe,
        key: { held: key },
        subject: { organization: 'acme', commonName: 'Root' },
        principal: 'x',
        keyOwner: 'x',
        context: {},
      },
      { now: START, random: shop.random },
    );
    const signature = (id: string) => shop.signer.signNow({ key: id, kind: 'certificate', bytes: intent.tbs });
    assert.throws(() => prove(intent.tbs, signature(root.key), rootToBe, START), { code: 'PROOF_FAILED' });
    assert.equal(new X509Certificate(prove(intent.tbs, signature(key.id), rootToBe, START)).ca, true);
  });

  it('opens no generation with the certificate of another key, or of no CA', async () => {
    const [description] = await shop.signer.keys();
    const { addresses } = enterprise;
    assert.throws(() => IssuerGeneration.open(description!, [enterprise.certificate!], addresses!), {
      code: 'ISSUER_NOT_VALID',
    });
    const own = { ...description!, publicKey: site.publicKey.raw };
    assert.throws(() => IssuerGeneration.open(own, [site], addresses!), { code: 'ISSUER_NOT_VALID' });
  });

  for (const algorithm of ['P-384', 'RSA-3072', 'Ed25519', 'ML-DSA-65'] satisfies KeyAlgorithm[]) {
    it(`works with ${algorithm} at every level`, async () => {
      const levels = await shop.hierarchy(algorithm);
      const request = shop.siteRequest(levels.enterprise, { key: { csr: makeCsr(algorithm) }, principal: algorithm });
      const { certificate } = await shop.issuer.issue(request);
      assert.equal(
        new X509Certificate(certificate).verify(new X509Certificate(levels.enterprise.certificate!.der).publicKey),
        true,
      );
    }).timeout(20_000);
  }

  it('draws serials that are positive, of one length, and random in every bit', () => {
    const ones = Array.from({ length: 128 }, () => 0);
    for (let i = 0; i < 2000; i += 1) {
      const serial = newSerial(shop.random);
      assert.equal(serial.length, 17);
      assert.equal(serial[0], 1);
      for (let bit = 0; bit < 128; bit += 1) ones[bit]! += (serial[1 + (bit >> 3)]! >> (bit & 7)) & 1;
    }
    // Six standard deviations of a fair coin thrown 2,000 times: once in four million runs by chance.
    for (const count of ones) assert.ok(Math.abs(count - 1000) < 6 * Math.sqrt(500), `${count} of 2000`);
  });

  it('finds the shard of a serial as the number modulo the count', () => {
    const serial = newSerial(shop.random);
    for (const shards of [1, 3, 16, 1000]) {
      assert.equal(shardOf(serial, shards), Number(BigInt(`0x${toHex(serial)}`) % BigInt(shards)));
    }
  });
});
