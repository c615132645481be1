import assert from 'node:assert/strict';
import { extension, fromHex, type GeneralName, OID } from '@licet/format';
import { TrustAnchors, type Verdict, verifyLicenseSync } from '../index.ts';
import {
  bundle,
  CLAIMS,
  days,
  enterprise,
  makeCrl,
  makeEnterprise,
  makeOrganization,
  makeSite,
  newKey,
  NOW,
  organization,
  type Party,
  root,
  SITE_CLAIMS,
  siteExtensions,
} from './license-kit.ts';

/** As a product that never met any of the CAs sees it. */
const afresh = (license: string, at: Date, crls: readonly Uint8Array[] = []): Verdict =>
  verifyLicenseSync(license, { anchors: TrustAnchors.fromDer([root.certificate]), at, evidence: { crls } });

/** As one sees it that has met good licenses below the same CAs, behind the same text. */
function knowing(license: string, at: Date, chain: readonly Party[], crls: readonly Uint8Array[] = []): Verdict {
  const anchors = TrustAnchors.fromDer([root.certificate]);
  for (let i = 0; i < 4; i += 1) verifyLicenseSync(bundle(makeSite(chain[0]!), ...chain), { anchors, at: NOW });
  return verifyLicenseSync(license, { anchors, at, evidence: { crls } });
}

const uris = (count: number): GeneralName[] =>
  Array.from({ length: count }, (_, i) => ({ kind: 'uri', value: `license://globex.acme/plant-${i}` }));

const CHAIN = [enterprise, organization];
const stranger = makeEnterprise(organization);
const LICENSES: readonly { name: string; site: Party; code: string }[] = [
  { name: 'a good one', site: makeSite(enterprise), code: 'VALID' },
  { name: 'an expired one', site: makeSite(enterprise, { notAfter: days(-1) }), code: 'IN_GRACE' },
  { name: 'one of the future', site: makeSite(enterprise, { notBefore: days(1) }), code: 'NOT_YET_VALID' },
  {
    name: 'one with more features than its CA',
    site: makeSite(enterprise, { claims: { ...SITE_CLAIMS, features: ['app', 'gold'] } }),
    code: 'CLAIMS_TRIMMED',
  },
  { name: 'one without claims', site: makeSite(enterprise, { claims: undefined }), code: 'CLAIMS_MISSING' },
  {
    name: 'one signed by another key',
    site: makeSite({ ...enterprise, key: stranger.key }),
    code: 'SIGNATURE_INVALID',
  },
  {
    name: 'one of another enterprise',
    site: makeSite(enterprise, { extensions: siteExtensions('license://initech.acme/plant-7') }),
    code: 'NAME_NOT_PERMITTED',
  },
  {
    name: 'one without the policy',
    site: makeSite(enterprise, { extensions: siteExtensions().filter(({ oid }) => oid !== OID.certificatePolicies) }),
    code: 'POLICY_NOT_SATISFIED',
  },
  {
    name: 'one for another purpose',
    site: makeSite(enterprise, { extensions: siteExtensions().filter(({ oid }) => oid !== OID.extendedKeyUsage) }),
    code: 'USAGE_INVALID',
  },
  {
    name: 'one that names another issuer key',
    site: makeSite({ ...enterprise, keyId: fromHex('0102') }),
    code: 'PROFILE_VIOLATION',
  },
  { name: 'one with the key and name of its CA', site: makeSite(enterprise, { keys: enterprise }), code: 'VALID' },
];

describe('what is known of CAs', () => {
  for (const { name, site, code } of LICENSES) {
    it(`changes nothing about ${name}`, () => {
      const license = bundle(site, ...CHAIN);
      const verdict = knowing(license, NOW, CHAIN);
      assert.deepEqual(verdict, afresh(license, NOW));
      assert.ok(
        verdict.codes.some((finding) => finding.code === code),
        JSON.stringify(verdict.codes),
      );
    });
  }

  it('changes nothing as time goes by, over the ends of every CA', () => {
    const license = bundle(makeSite(enterprise, { notBefore: days(-300), notAfter: days(6000) }), ...CHAIN);
    for (const day of [-1001, -501, -201, -199, 0, 299, 301, 999, 1001, 4999, 5001]) {
      assert.deepEqual(knowing(license, days(day), CHAIN), afresh(license, days(day)), `day ${day}`);
    }
  });

  it('changes nothing about what is revoked', () => {
    const site = makeSite(enterprise, { serial: fromHex('0abc') });
    const license = bundle(site, ...CHAIN);
    const crls = [makeCrl(enterprise, { entries: [{ serial: fromHex('0abc'), revokedAt: days(-1) }] })];
    const verdict = knowing(license, NOW, CHAIN, crls);
    assert.equal(verdict.usable, false);
    assert.deepEqual(verdict, afresh(license, NOW, crls));
  });

  it('says nothing where two certificates of a CA stand side by side', () => {
    const smaller = makeEnterprise(organization, {
      keys: enterprise,
      claims: { ...CLAIMS, features: ['app'] },
      notBefore: days(100),
      notAfter: days(400),
    });
    const chain = [enterprise, smaller, organization];
    const license = bundle(makeSite(enterprise, { notAfter: days(500) }), ...chain);
    for (const day of [0, 99, 150, 301, 401]) {
      assert.deepEqual(knowing(license, days(day), chain), afresh(license, days(day)), `day ${day}`);
    }
    assert.deepEqual(afresh(license, days(150)).effective?.features, ['app']);
  });

  it('says nothing of other anchors', () => {
    const license = bundle(makeSite(enterprise), ...CHAIN);
    assert.equal(knowing(license, NOW, CHAIN).usable, true);
    const others = TrustAnchors.fromDer([makeOrganization(root, { keys: newKey() }).certificate]);
    assert.equal(verifyLicenseSync(license, { anchors: others, at: NOW }).usable, false);
  });

  it('is reported to cost too much, before and after, where names make it so', () => {
    const wide = makeEnterprise(organization, {
      extensions: [
        extension.basicConstraints({ ca: true, pathLength: 0 }),
        extension.keyUsage(['keyCertSign', 'cRLSign']),
        extension.certificatePolicies([OID.licensePolicy]),
        extension.nameConstraints({
          permitted: Array.from({ length: 600 }, (_, i) => ({
            kind: 'uri',
            value: i < 599 ? `h${i}.acme` : 'globex.acme',
          })),
        }),
      ],
    });
    const names = siteExtensions().map((one) =>
      one.oid === OID.subjectAltName ? extension.subjectAltName(uris(600)) : one,
    );
    const license = bundle(makeSite(wide, { extensions: names }), wide, organization);
    const verdict = knowing(license, NOW, [wide, organization]);
    assert.deepEqual(
      verdict.codes.map(({ code }) => code),
      ['BUDGET_EXCEEDED'],
    );
    assert.deepEqual(verdict, afresh(license, NOW));
  });
});

describe('single-bit mutants of 20 licenses', () => {
  it('are never usable, below CAs that are known: a sample', () => {
    const anchors = TrustAnchors.fromDer([root.certificate]);
    const judge = (site: Party) => verifyLicenseSync(bundle(site, ...CHAIN), { anchors, at: NOW }).usable;
    for (let n = 0; n < 20; n += 1) {
      const site = makeSite(enterprise, { claims: { ...SITE_CLAIMS, sequence: n + 1 } });
      assert.equal(judge(site), true);
      for (let bit = n; bit < site.certificate.length * 8; bit += 101) {
        const certificate = Uint8Array.from(site.certificate);
        certificate[bit >> 3]! ^= 1 << (bit & 7);
        assert.equal(judge({ ...site, certificate }), false, `license ${n}, bit ${bit}`);
      }
    }
  });
});
