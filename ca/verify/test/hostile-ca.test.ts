import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { type Claims, extension, meet, type Mode, OID } from '@licet/format';
import { verifyLicenseSync } from '../license.ts';
import type { Code } from '../codes.ts';
import {
  anchors,
  bundle,
  CLAIMS,
  days,
  enterprise,
  makeEnterprise,
  makeOrganization,
  makeRoot,
  makeSite,
  NOW,
  organization,
  type Party,
  root,
  SITE_CLAIMS,
  siteExtensions,
  type Wish,
} from './license-kit.ts';

const check = (...parties: Party[]) => verifyLicenseSync(bundle(...parties), { anchors, at: NOW });
const codes = (...parties: Party[]): Code[] => check(...parties).codes.map(({ code }) => code);

/** An enterprise that may do little, and a customer in possession of its key who wants more. */
const narrow: Claims = {
  ...CLAIMS,
  modes: ['development'],
  tier: { rank: 10, code: 'basic' },
  features: ['app'],
  limits: [{ code: 'nodes', max: 2, scope: 'pool', enforce: 'hard' }],
  term: { from: days(-5), to: days(10) },
  grace: 3600,
  contact: 86_400 * 20,
  degrade: 'stop',
  reporting: { every: 86_400 * 7, required: true },
};
const hostile = makeEnterprise(organization, { claims: narrow });
const license = (claims: Partial<Claims>, wish: Partial<Wish> = {}) =>
  check(makeSite(hostile, { claims: { ...narrow, ...claims }, notBefore: days(-1), ...wish }), hostile, organization);

describe('an enterprise CA that grants more than it has', () => {
  const greed: { name: string; claims: Partial<Claims> }[] = [
    { name: 'more features', claims: { features: ['app', 'app/export', 'app/sso'] } },
    { name: 'a higher tier', claims: { tier: { rank: 65_535, code: 'ultimate' } } },
    { name: 'a larger limit', claims: { limits: [{ code: 'nodes', max: 1000, scope: 'each', enforce: 'report' }] } },
    {
      name: 'a limit without end',
      claims: { limits: [{ code: 'nodes', max: 'unlimited', scope: 'pool', enforce: 'hard' }] },
    },
    {
      name: 'another limit',
      claims: { limits: [...narrow.limits, { code: 'users', max: 5, scope: 'each', enforce: 'hard' }] },
    },
    { name: 'a longer term', claims: { term: { from: days(-900), to: days(9000) } } },
    { name: 'a longer grace', claims: { grace: Number.MAX_SAFE_INTEGER } },
    { name: 'less contact', claims: { contact: Number.MAX_SAFE_INTEGER } },
    { name: 'a milder end', claims: { degrade: 'warn' } },
    { name: 'fewer reports', claims: { reporting: { every: 86_400 * 365, required: false } } },
  ];
  for (const { name, claims } of greed) {
    it(`${name}: gives nothing beyond its own, and is told`, () => {
      const verdict = license(claims);
      assert.deepEqual(verdict.effective, narrow);
      assert.ok(verdict.codes.some(({ code }) => code === 'CLAIMS_TRIMMED'));
      assert.equal(verdict.usable, true);
    });
  }

  it('no reports at all: they stay due', () => {
    const { reporting: _dropped, ...silent } = narrow;
    const verdict = check(makeSite(hostile, { claims: silent, notBefore: days(-1) }), hostile, organization);
    assert.deepEqual(verdict.effective?.reporting, narrow.reporting);
  });

  for (const modes of [['production'], ['recovery']] satisfies Mode[][]) {
    it(`${modes[0]} where it has development only: no license`, () => {
      const verdict = license({ modes });
      assert.equal(verdict.state, 'invalid');
      assert.equal(verdict.effective, undefined);
      assert.ok(verdict.codes.some(({ code, claim }) => code === 'MODE_MISMATCH' && claim === 'modes'));
    });
  }

  it('only features that it does not have: no license', () => {
    const verdict = license({ features: ['base'] });
    assert.ok(!verdict.usable && verdict.codes.some(({ code }) => code === 'FEATURE_MISSING'));
  });

  it('a term outside its own: no license', () => {
    const verdict = license({ term: { from: days(10), to: days(20) } });
    assert.ok(!verdict.usable && verdict.codes.some(({ code }) => code === 'TERM_ENDED'));
  });

  it('a longer life: ends with the CA', () => {
    const short = makeEnterprise(organization, { notAfter: days(3), claims: narrow });
    const site = makeSite(short, { claims: { ...narrow, grace: 10 ** 9 }, notBefore: days(-1), notAfter: days(5000) });
    const verdict = check(site, short, organization);
    assert.deepEqual(verdict.expiresAt, days(3));
    assert.deepEqual(verdict.graceUntil, new Date(+days(3) + 3_600_000));
    const later = verifyLicenseSync(bundle(site, short, organization), { anchors, at: days(4) });
    assert.deepEqual([later.usable, later.state], [false, 'stopped']);
  });
});

describe('an enterprise CA that steps out of its place', () => {
  const subject = (o: string, ou: string): Wish['subject'] => [
    ['organizationName', o],
    ['organizationalUnitName', ou],
    ['commonName', 'plant-7'],
  ];

  it('cannot name another organization', () => {
    const named = makeSite(enterprise, { subject: subject('umbrella', 'globex') });
    assert.ok(codes(named, enterprise, organization).includes('NAME_NOT_PERMITTED'));
  });

  it('cannot name another enterprise, in the subject or in the URI', () => {
    const other = makeSite(enterprise, { subject: subject('acme', 'initech') });
    assert.ok(codes(other, enterprise, organization).includes('NAME_NOT_PERMITTED'));
    const uri = makeSite(enterprise, { extensions: siteExtensions('license://initech.acme/plant-7') });
    assert.ok(codes(uri, enterprise, organization).includes('NAME_NOT_PERMITTED'));
    const inside = makeSite(enterprise, { extensions: siteExtensions('license://x.globex.acme/plant-7') });
    assert.ok(codes(inside, enterprise, organization).includes('NAME_NOT_PERMITTED'));
  });

  it('cannot leave its names out', () => {
    const anonymous = makeSite(enterprise, { subject: [['commonName', 'plant-7']] });
    assert.ok(codes(anonymous, enterprise, organization).includes('NAME_NOT_PERMITTED'));
  });

  it('cannot name others either when its certificate was made without name constraints', () => {
    const careless = makeEnterprise(organization, {
      extensions: [
        extension.basicConstraints({ ca: true, pathLength: 0 }),
        extension.keyUsage(['keyCertSign', 'cRLSign']),
        extension.certificatePolicies([OID.licensePolicy]),
      ],
    });
    const named = makeSite(careless, {
      subject: subject('acme', 'initech'),
      extensions: siteExtensions('license://initech.acme/x'),
    });
    assert.ok(codes(named, careless, organization).includes('NAME_NOT_PERMITTED'));
  });

  it('cannot make a further CA', () => {
    const caExtensions = [
      extension.basicConstraints({ ca: true }),
      extension.keyUsage(['keyCertSign', 'cRLSign']),
      extension.certificatePolicies([OID.licensePolicy]),
    ];
    const further = makeEnterprise(enterprise, {
      subject: [
        ['organizationName', 'acme'],
        ['organizationalUnitName', 'globex'],
        ['commonName', 'reseller'],
      ],
      extensions: caExtensions,
    });
    assert.ok(codes(makeSite(further), further, enterprise, organization).includes('PATH_TOO_LONG'));
  });

  it('gains nothing by a new key for its own name, which RFC 5280 §6.1.4 (l) does not count', () => {
    const rolled = makeEnterprise(hostile, { claims: CLAIMS });
    const verdict = check(makeSite(rolled, { claims: SITE_CLAIMS }), rolled, hostile, organization);
    assert.deepEqual([verdict.usable, verdict.effective], [false, undefined]);
    const site = makeSite(rolled, { claims: { ...SITE_CLAIMS, modes: ['development'] }, notBefore: days(-1) });
    assert.deepEqual(check(site, rolled, hostile, organization).effective?.features, narrow.features);
  });

  it('cannot let a site sign, or be a license itself', () => {
    const site = makeSite(enterprise);
    const below = makeSite(site);
    assert.ok(!check(below, site, enterprise, organization).usable);
    assert.ok(codes(enterprise, organization).includes('USAGE_INVALID'));
    const both = makeEnterprise(organization, {
      extensions: [...siteExtensions().slice(1), extension.basicConstraints({ ca: true, pathLength: 0 })],
    });
    assert.ok(!check(both, organization).usable);
  });

  it('cannot do without the policy or the purpose', () => {
    const bare = siteExtensions().filter(({ oid }) => oid !== OID.certificatePolicies);
    assert.ok(
      codes(makeSite(enterprise, { extensions: bare }), enterprise, organization).includes('POLICY_NOT_SATISFIED'),
    );
    const purpose = siteExtensions().map((one) =>
      one.oid === OID.extendedKeyUsage ? extension.extendedKeyUsage([OID.clientAuth]) : one,
    );
    assert.ok(codes(makeSite(enterprise, { extensions: purpose }), enterprise, organization).includes('USAGE_INVALID'));
  });

  it('cannot use a root of its own', () => {
    for (const [name, code] of [['Own Root', 'ROOT_UNTRUSTED'] as const, ['Test Root', 'SIGNATURE_INVALID'] as const]) {
      const own = makeRoot({ subject: [['commonName', name]] });
      const org = makeOrganization(own);
      const ent = makeEnterprise(org);
      const found = codes(makeSite(ent), ent, org, own);
      assert.ok(found.includes(code), `${name}: ${found.join()}`);
      assert.ok(!check(makeSite(ent), ent, org).usable);
    }
    assert.ok(codes(makeSite(enterprise)).includes('CHAIN_INCOMPLETE'));
  });

  it('cannot borrow the claims of a better certificate with the same name and key', () => {
    // The other path has less of one thing and more of another: claims of two paths never mix.
    const a = makeEnterprise(organization, { claims: { ...CLAIMS, features: ['app'], tier: { rank: 1, code: 'a' } } });
    const b = makeEnterprise(organization, {
      claims: { ...CLAIMS, features: ['base'], tier: { rank: 30, code: 'b' } },
      keys: a,
    });
    const verdict = check(makeSite(a), a, b, organization);
    const mixed = verdict.effective!;
    assert.ok(
      (mixed.features.join() === 'app' && mixed.tier.rank === 1) ||
        (mixed.features.join() === 'base' && mixed.tier.rank === 30),
    );
  });

  it('cannot stand below a name that only looks like its own', () => {
    const named = makeSite(enterprise, {
      subject: [
        ['organizationName', 'acme.evil'],
        ['organizationalUnitName', 'globex'],
      ],
    });
    assert.ok(codes(named, enterprise, organization).includes('NAME_NOT_PERMITTED'));
  });
});

describe('random chains with over-reaching children', () => {
  const subset = <T>(values: readonly T[]) => fc.subarray([...values], { minLength: 1 });
  const claims: fc.Arbitrary<Claims> = fc.record(
    {
      id: fc.constant(CLAIMS.id),
      sequence: fc.integer({ min: 1, max: 9 }),
      modes: fc.constantFrom<Mode[]>(['production'], ['production', 'development']),
      tier: fc.record({ rank: fc.nat(9), code: fc.constantFrom('a', 'b') }, { noNullPrototype: true }),
      features: subset(['app', 'app/export', 'app/sso', 'base']),
      limits: fc
        .integer({ min: 0, max: 9 })
        .map((max) => [{ code: 'nodes', max, scope: 'each', enforce: 'hard' } as const]),
      term: fc.integer({ min: 1, max: 300 }).map((end) => ({ from: days(-100), to: days(end) })),
      grace: fc.nat(100_000),
      contact: fc.nat(10_000_000),
      degrade: fc.constantFrom('warn' as const, 'readOnly' as const, 'stop' as const),
    },
    { noNullPrototype: true },
  );

  it('are worth exactly the meet of all their claims, whatever the depth of the excess', () => {
    fc.assert(
      fc.property(claims, claims, claims, (top, middle, leaf) => {
        const org = makeOrganization(root, { claims: top });
        const ent = makeEnterprise(org, { claims: middle });
        const site = makeSite(ent, { claims: { ...leaf, modes: ['production'] } });
        const worth = meet(meet(top, middle), { ...leaf, modes: ['production'] });
        const verdict = check(site, ent, org);
        assert.deepEqual(verdict.effective, worth.features.length > 0 ? worth : undefined);
      }),
      { numRuns: 60 },
    );
  });
});
