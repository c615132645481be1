import assert from 'node:assert/strict';
import { sign } from 'node:crypto';
import { type Claims, decodeCertificate, encodePem, extension, fromHex, OID } from '@licet/format';
import { fingerprintDigest } from '../binding.ts';
import { verifyLicense, verifyLicenseSync } from '../license.ts';
import type { LicenseOptions } from '../license-options.ts';
import { TrustAnchors } from '../anchors.ts';
import type { Code } from '../codes.ts';
import { possessionMessage } from '../possession.ts';
import type { State, Verdict } from '../verdict.ts';
import {
  anchors,
  bundle,
  CLAIMS,
  days,
  enterprise,
  issue,
  makeCrl,
  makeEnterprise,
  makeLink,
  makeOrganization,
  makeRoot,
  makeSite,
  newKey,
  NOW,
  organization,
  type Party,
  root,
  site,
  SITE_CLAIMS,
  siteExtensions,
  type Wish,
} from './license-kit.ts';

const LICENSE = bundle(site, enterprise, organization);

const check = (license: string | Uint8Array, options: Partial<LicenseOptions> = {}): Verdict =>
  verifyLicenseSync(license, { anchors, at: NOW, ...options });

/** A license with other claims. */
const withClaims = (claims: Partial<Claims>, wish: Partial<Wish> = {}): string =>
  bundle(makeSite(enterprise, { claims: { ...SITE_CLAIMS, ...claims }, ...wish }), enterprise, organization);

const codes = (verdict: Verdict): Code[] => verdict.codes.map(({ code }) => code);
const find = (verdict: Verdict, code: Code) => verdict.codes.find((finding) => finding.code === code);

function expect(verdict: Verdict, state: State, usable: boolean, ...wanted: Code[]): void {
  const found = JSON.stringify(verdict.codes, undefined, 1);
  for (const code of wanted) assert.ok(codes(verdict).includes(code), `${code} is missing in ${found}`);
  assert.equal(verdict.state, state, found);
  assert.equal(verdict.usable, usable, found);
  // What is not conclusive never turns a product off, and what turns it off is an error.
  for (const { severity, conclusive } of verdict.codes) assert.ok(conclusive || severity !== 'error', found);
  assert.equal(
    verdict.codes.some(({ severity }) => severity === 'error'),
    !usable,
    found,
  );
}

describe('a good license', () => {
  it('is valid and says what it allows', async () => {
    const verdict = await verifyLicense(LICENSE, { anchors, at: NOW, product: 'app' });
    expect(verdict, 'valid', true, 'VALID');
    assert.deepEqual(verdict.effective, SITE_CLAIMS);
    assert.equal(verdict.mode, 'production');
    assert.equal(verdict.watermark, false);
    assert.deepEqual(verdict.expiresAt, days(20));
    assert.deepEqual(verdict.graceUntil, days(34));
    assert.deepEqual(verdict.evidence, { kind: 'issue', age: 10 * 86_400 });
    assert.equal(verdict.holder?.uri, 'license://globex.acme/plant-7');
    assert.deepEqual(
      [verdict.holder?.organization, verdict.holder?.enterprise, verdict.holder?.site],
      ['acme', 'globex', 'plant-7'],
    );
    assert.deepEqual(verdict.nextCheckAt, days(1));
    assert.deepEqual(verdict.highWater.sequences, { [SITE_CLAIMS.id]: 5 });
    assert.deepEqual(verdict.highWater.time, days(-10));
  });

  it('may come as bytes, with the chain in any order, with the root and with other things', () => {
    expect(check(Buffer.from(LICENSE)), 'valid', true);
    expect(check(bundle(root, organization, enterprise, site)), 'valid', true);
    expect(check(`Issued to globex\n${LICENSE}${encodePem('X509 CRL', makeCrl(enterprise))}`), 'valid', true, 'VALID');
  });

  it('has a watermark when it is for development', () => {
    const verdict = check(withClaims({ modes: ['development'] }));
    assert.deepEqual([verdict.mode, verdict.watermark, verdict.usable], ['development', true, true]);
  });

  it('is as good when a CA of the chain is the anchor', () => {
    const pinned = TrustAnchors.fromDer([organization.certificate]);
    expect(check(bundle(site, enterprise), { anchors: pinned }), 'valid', true);
  });

  it('counts the claims of the anchor, when it has any', () => {
    const pinned = TrustAnchors.fromDer([
      makeOrganization(root, { claims: { ...CLAIMS, features: ['base'] }, keys: organization }).certificate,
    ]);
    const verdict = check(bundle(site, enterprise), { anchors: pinned });
    assert.deepEqual(verdict.effective?.features, ['base']);
  });
});

describe('the life of a license', () => {
  const states: { name: string; at: Date; state: State; usable: boolean; code?: Code }[] = [
    { name: 'before it begins', at: days(-11), state: 'invalid', usable: false, code: 'NOT_YET_VALID' },
    { name: 'on its first second', at: days(-10), state: 'valid', usable: true, code: 'VALID' },
    { name: 'a second before two thirds', at: new Date(+days(10) - 1000), state: 'valid', usable: true },
    { name: 'at two thirds', at: days(10), state: 'renew-soon', usable: true, code: 'RENEW_SOON' },
    { name: 'on its last second', at: days(20), state: 'renew-soon', usable: true },
    { name: 'a second later', at: new Date(+days(20) + 1000), state: 'in-grace', usable: true, code: 'IN_GRACE' },
    { name: 'on the last second of its grace', at: days(34), state: 'in-grace', usable: true },
    { name: 'after its grace', at: new Date(+days(34) + 1000), state: 'restricted', usable: false, code: 'EXPIRED' },
  ];
  for (const { name, at, state, usable, code } of states) {
    it(`${name} is ${state}`, () => {
      const verdict = check(LICENSE, { at });
      expect(verdict, state, usable, ...(code ? [code] : []));
      assert.ok(verdict.nextCheckAt > at);
    });
  }

  it('ends with a stop when the license says so', () => {
    expect(check(withClaims({ degrade: 'stop' }), { at: days(40) }), 'stopped', false, 'EXPIRED');
  });

  it('ends at once without grace', () => {
    expect(check(withClaims({ grace: 0 }), { at: days(21) }), 'restricted', false, 'EXPIRED');
  });

  it('ends with the term, and the grace begins there', () => {
    const term = { from: CLAIMS.term.from, to: days(5) };
    const license = withClaims({ term });
    assert.deepEqual(check(license).expiresAt, days(5));
    expect(check(license, { at: days(5) }), 'in-grace', true, 'IN_GRACE');
    expect(check(license, { at: new Date(+days(19) + 1000) }), 'restricted', false, 'TERM_ENDED');
  });

  it('begins with the term', () => {
    const license = withClaims({ term: { from: days(1), to: days(100) } });
    expect(check(license), 'invalid', false, 'NOT_YET_VALID');
    expect(check(license, { at: days(1) }), 'valid', true);
  });

  it('ends with a CA above, and the grace is that of the whole chain', () => {
    const short = makeEnterprise(organization, { notAfter: days(5), claims: { ...CLAIMS, grace: 86_400 } });
    const license = bundle(makeSite(short), short, organization);
    assert.deepEqual(check(license).expiresAt, days(5));
    expect(check(license, { at: days(5.5) }), 'in-grace', true, 'IN_GRACE');
    expect(check(license, { at: days(7) }), 'restricted', false, 'ISSUER_EXPIRED');
    expect(check(license, { at: days(25) }), 'restricted', false, 'ISSUER_EXPIRED', 'EXPIRED');
  });

  it('has a grace that no date can hold', () => {
    const forever = { grace: Number.MAX_SAFE_INTEGER, contact: Number.MAX_SAFE_INTEGER };
    const org = makeOrganization(root, { claims: { ...CLAIMS, ...forever } });
    const ent = makeEnterprise(org, { claims: { ...CLAIMS, ...forever } });
    const license = bundle(makeSite(ent, { claims: { ...SITE_CLAIMS, ...forever } }), ent, org);
    expect(check(license, { at: days(900) }), 'in-grace', true, 'IN_GRACE');
    assert.equal(check(license).graceUntil?.getUTCFullYear(), 9999);
  });
});

describe('evidence', () => {
  const revoke = (issuer: Party, revoked: Party, reason?: 'keyCompromise' | 'certificateHold' | 'superseded') =>
    makeCrl(issuer, {
      entries: [{ serial: decodeCertificate(revoked.certificate).serial, revokedAt: days(-2), reason }],
    });
  const crls = (...lists: Uint8Array[]) => ({ evidence: { crls: lists } });
  const all = [makeCrl(enterprise), makeCrl(organization), makeCrl(root)];

  it('that is fresh says how old it is', () => {
    const verdict = check(LICENSE, crls(...all));
    expect(verdict, 'valid', true, 'VALID');
    assert.deepEqual(verdict.evidence, { kind: 'crl', age: 86_400 });
    assert.equal(find(verdict, 'STATUS_UNKNOWN'), undefined);
    assert.deepEqual(verdict.highWater.time, days(-1));
    assert.equal(Object.keys(verdict.highWater.crlNumbers).length, 3);
  });

  it('of a revocation ends the license', () => {
    expect(check(LICENSE, crls(revoke(enterprise, site, 'keyCompromise'))), 'invalid', false, 'REVOKED');
    expect(check(LICENSE, crls(revoke(enterprise, site))), 'invalid', false, 'REVOKED');
    expect(check(LICENSE, crls(revoke(enterprise, site, 'superseded'))), 'invalid', false, 'SUPERSEDED');
    expect(check(LICENSE, crls(revoke(organization, enterprise))), 'invalid', false, 'ISSUER_REVOKED');
    expect(check(LICENSE, crls(revoke(root, organization))), 'invalid', false, 'ISSUER_REVOKED');
  });

  it('of a hold restricts the license, but ends it for as long as a CA above is held', () => {
    const held = check(LICENSE, crls(revoke(enterprise, site, 'certificateHold')));
    expect(held, 'restricted', false, 'SUSPENDED');
    for (const [issuer, ca] of [
      [organization, enterprise],
      [root, organization],
    ] as const) {
      const verdict = check(LICENSE, crls(revoke(issuer, ca, 'certificateHold')));
      expect(verdict, 'invalid', false, 'ISSUER_REVOKED');
      assert.match(find(verdict, 'ISSUER_REVOKED')!.detail, /is on hold \(certificateHold\).* until that ends/);
    }
    expect(check(LICENSE, crls(...all)), 'valid', true, 'VALID');
  });

  it('of a revocation ends the license in its grace too', () => {
    const at = days(25);
    const list = makeCrl(enterprise, {
      thisUpdate: days(24),
      nextUpdate: days(30),
      entries: [{ serial: decodeCertificate(site.certificate).serial, revokedAt: days(23) }],
    });
    expect(check(LICENSE, { at, ...crls(list) }), 'invalid', false, 'REVOKED', 'IN_GRACE');
  });

  it('that is missing is told and changes nothing', () => {
    const verdict = check(LICENSE);
    expect(verdict, 'valid', true, 'STATUS_UNKNOWN');
    expect(check(LICENSE, crls(makeCrl(root))), 'valid', true, 'STATUS_UNKNOWN');
    assert.equal(find(check(LICENSE, crls(makeCrl(root))), 'STATUS_UNKNOWN')?.conclusive, false);
  });

  it('that is stale is told and changes nothing within the time of contact', () => {
    const stale = makeCrl(enterprise, { thisUpdate: days(-8), nextUpdate: days(-1) });
    const verdict = check(LICENSE, crls(stale, all[1]!, all[2]!));
    expect(verdict, 'valid', true, 'STATUS_STALE');
    assert.deepEqual(verdict.evidence, { kind: 'crl', age: 8 * 86_400 });
  });

  it('that nobody we trust has signed counts for nothing', () => {
    const forged = { ...enterprise, ...newKey() };
    const verdict = check(LICENSE, crls(makeCrl({ ...forged, key: forged.key }, { number: 9 }), all[1]!, all[2]!));
    expect(verdict, 'valid', true, 'STATUS_UNKNOWN');
    assert.equal(verdict.evidence.kind, 'issue');
    assert.equal(Object.values(verdict.highWater.crlNumbers).includes('9'), false);
  });

  it('that a site has signed with a CA of its own making counts for nothing, and its number neither', () => {
    const name = [
      ['organizationName', 'acme'],
      ['organizationalUnitName', 'globex'],
    ] as const;
    const extensions = [extension.basicConstraints({ ca: true }), extension.keyUsage(['keyCertSign', 'cRLSign'])];
    const fake = issue(undefined, { subject: name, extensions });
    const forged = makeCrl(fake, { number: 9, thisUpdate: days(-1) });
    const verdict = check(bundle(site, enterprise, organization, fake), crls(forged, all[1]!, all[2]!));
    expect(verdict, 'valid', true, 'STATUS_UNKNOWN');
    assert.equal(verdict.evidence.kind, 'issue');
    assert.equal(Object.values(verdict.highWater.crlNumbers).includes('9'), false);
  });

  it('of the license alone is no contact: its CA may be on hold', () => {
    const at = days(15);
    const strict = withClaims({ contact: 3 * 86_400 });
    const [own, above] = [enterprise, organization].map((ca) =>
      makeCrl(ca, { thisUpdate: days(14), nextUpdate: days(20) }),
    );
    const overdue = check(strict, { at, ...crls(own!) });
    assert.ok(find(overdue, 'CONTACT_OVERDUE'));
    assert.equal(overdue.evidence.kind, 'issue');
    const both = check(strict, { at, ...crls(own!, above!) });
    assert.equal(find(both, 'CONTACT_OVERDUE'), undefined);
    assert.deepEqual(both.evidence, { kind: 'crl', age: 86_400 });
  });

  it('that goes back is told, and is no fresh evidence', () => {
    const { highWater } = check(LICENSE, crls(makeCrl(enterprise, { number: 7 }), all[1]!, all[2]!));
    const verdict = check(LICENSE, { highWater, ...crls(makeCrl(enterprise, { number: 6 }), all[1]!, all[2]!) });
    expect(verdict, 'valid', true, 'STATUS_ROLLED_BACK');
    assert.equal(verdict.evidence.kind, 'issue');
    const same = check(LICENSE, { highWater, ...crls(makeCrl(enterprise, { number: 7 }), all[1]!, all[2]!) });
    assert.equal(find(same, 'STATUS_ROLLED_BACK'), undefined);
  });

  it('that is no evidence at all is a doubt and no exception', () => {
    expect(check(LICENSE, { evidence: { crls: [Uint8Array.of(1)], ocsp: [Uint8Array.of(2)] } }), 'valid', true);
    const none = [null as unknown as Uint8Array];
    expect(check(LICENSE, { evidence: { crls: none, ocsp: none } }), 'valid', true, 'STATUS_UNKNOWN');
  });

  it('that is overdue leads where the license says', () => {
    const at = days(15);
    const contact = 20 * 86_400;
    const warn = check(withClaims({ contact, degrade: 'warn' }), { at });
    // The CAs of the kit say readOnly, which no child can soften.
    expect(warn, 'restricted', false, 'CONTACT_OVERDUE', 'CLAIMS_TRIMMED');
    expect(check(withClaims({ contact, degrade: 'stop' }), { at }), 'stopped', false, 'CONTACT_OVERDUE');
    const fresh = makeCrl(enterprise, { thisUpdate: days(14), nextUpdate: days(20) });
    const above = makeCrl(organization, { thisUpdate: days(14), nextUpdate: days(20) });
    expect(check(withClaims({ contact }), { at, ...crls(fresh, above) }), 'renew-soon', true);
  });

  it('that is overdue only warns when the whole chain says so', () => {
    const mild = { ...CLAIMS, degrade: 'warn' as const, contact: 86_400 };
    const org = makeOrganization(root, { claims: mild });
    const ent = makeEnterprise(org, { claims: mild });
    const license = bundle(makeSite(ent, { claims: { ...mild, modes: ['production'] } }), ent, org);
    const verdict = check(license);
    expect(verdict, 'valid', true, 'CONTACT_OVERDUE');
    assert.equal(find(verdict, 'CONTACT_OVERDUE')?.severity, 'warning');
  });
});

describe('what a product asks for', () => {
  it('is granted when the license has it', () => {
    const require = {
      features: ['app', 'app/sso'],
      tier: 30,
      mode: 'production' as const,
      limits: { nodes: 10, users: 0 },
    };
    expect(check(LICENSE, { require, product: 'app' }), 'valid', true, 'VALID');
  });

  const asked: { name: string; options: Partial<LicenseOptions>; code: Code; claim: string }[] = [
    { name: 'a feature', options: { require: { features: ['app', 'x'] } }, code: 'FEATURE_MISSING', claim: 'features' },
    { name: 'a product', options: { product: 'ap' }, code: 'FEATURE_MISSING', claim: 'features' },
    { name: 'a tier', options: { require: { tier: 31 } }, code: 'TIER_TOO_LOW', claim: 'tier' },
    { name: 'no number as a tier', options: { require: { tier: Number.NaN } }, code: 'TIER_TOO_LOW', claim: 'tier' },
    { name: 'a mode', options: { require: { mode: 'recovery' } }, code: 'MODE_MISMATCH', claim: 'modes' },
    {
      name: 'one more than a hard limit',
      options: { require: { limits: { nodes: 11 } } },
      code: 'LIMIT_EXCEEDED',
      claim: 'limits.nodes',
    },
    {
      name: 'anything without a limit',
      options: { require: { limits: { robots: 0 } } },
      code: 'LIMIT_EXCEEDED',
      claim: 'limits.robots',
    },
    {
      name: 'no number of something',
      options: { require: { limits: { users: Number.NaN } } },
      code: 'LIMIT_EXCEEDED',
      claim: 'limits.users',
    },
    { name: 'a later release', options: { release: days(400) }, code: 'TERM_ENDED', claim: 'term' },
  ];
  for (const { name, options, code, claim } of asked) {
    it(`${name}: ${code}`, () => {
      const verdict = check(LICENSE, options);
      assert.equal(verdict.usable, false);
      assert.equal(find(verdict, code)?.claim, claim);
      assert.equal(find(verdict, 'VALID'), undefined);
    });
  }

  it('above a limit is a warning or a note where the license says so', () => {
    const soft = check(LICENSE, { require: { limits: { projects: 6 } } });
    expect(soft, 'valid', true, 'LIMIT_EXCEEDED');
    assert.equal(find(soft, 'LIMIT_EXCEEDED')?.severity, 'warning');
    const noted = check(LICENSE, { require: { limits: { users: 101 } } });
    assert.equal(find(noted, 'LIMIT_EXCEEDED')?.severity, 'info');
  });

  it('is answered in full: every finding, and not the first', () => {
    const require = { features: ['x', 'y'], tier: 99, mode: 'recovery' as const, limits: { nodes: 99 } };
    const verdict = check(LICENSE, { require, product: 'z', at: days(40) });
    expect(verdict, 'restricted', false, 'EXPIRED', 'TIER_TOO_LOW', 'MODE_MISMATCH', 'LIMIT_EXCEEDED');
    assert.equal(codes(verdict).filter((code) => code === 'FEATURE_MISSING').length, 3);
  });
});

describe('who holds the license', () => {
  const challenge = fromHex('00112233445566778899aabbccddeeff');
  const proof = (key: Party['key'], message = possessionMessage(challenge)) => ({
    challenge,
    signature: sign('sha256', message, key),
  });

  it('proves it with the key', () => {
    expect(check(LICENSE, { possession: proof(site.key) }), 'valid', true, 'VALID');
  });

  it('is refused with another key, another challenge, a bare challenge or a short one', () => {
    for (const possession of [
      proof(enterprise.key),
      proof(site.key, possessionMessage(Uint8Array.from(challenge).reverse())),
      proof(site.key, challenge),
      { challenge: challenge.subarray(0, 15), signature: proof(site.key).signature },
      { challenge, signature: new Uint8Array() },
    ]) {
      expect(check(LICENSE, { possession }), 'invalid', false, 'POSSESSION_FAILED');
    }
  });

  const machine = ['machine-id 1', 'disk 2', 'board 3'];
  const digests = machine.map((text) => fingerprintDigest(SITE_CLAIMS.id, text)).sort();
  const bound = withClaims({ binding: { need: 2, digests } });

  it('is the machine it is bound to: k of n', () => {
    expect(check(bound, { fingerprints: machine }), 'valid', true);
    expect(check(bound, { fingerprints: ['disk 2', 'new board', 'machine-id 1'] }), 'valid', true);
    expect(check(bound, { fingerprints: ['disk 2', 'disk 2'] }), 'invalid', false, 'BINDING_MISMATCH');
    expect(check(bound, { fingerprints: [] }), 'invalid', false, 'BINDING_MISMATCH');
    expect(check(bound), 'invalid', false, 'BINDING_MISMATCH');
  });

  it('looks different in every license', () => {
    assert.notEqual(fingerprintDigest(CLAIMS.id, 'x'), fingerprintDigest(CLAIMS.id.replace('1', '2'), 'x'));
  });

  it('must be bound when a CA demands it', () => {
    const demanding = makeEnterprise(organization, { claims: { ...CLAIMS, binding: { need: 1, digests: 'any' } } });
    const free = bundle(makeSite(demanding), demanding, organization);
    expect(check(free, { fingerprints: machine }), 'invalid', false, 'BINDING_MISMATCH', 'CLAIMS_TRIMMED');
  });
});

describe('what a site has seen', () => {
  it('makes an older license of the lineage useless', () => {
    const { highWater } = check(withClaims({ sequence: 9 }));
    expect(check(LICENSE, { highWater }), 'invalid', false, 'SUPERSEDED');
    expect(check(withClaims({ sequence: 9 }), { highWater }), 'valid', true);
    expect(check(withClaims({ sequence: 10 }), { highWater }), 'valid', true);
  });

  const highWater = { time: NOW, sequences: {}, crlNumbers: {} };

  it('shows a clock that was set back, and ordinary skew does not', () => {
    assert.equal(find(check(LICENSE, { highWater, at: days(-1) }), 'CLOCK_ROLLBACK'), undefined);
    expect(check(LICENSE, { highWater, at: new Date(+days(-1) - 1000) }), 'restricted', false, 'CLOCK_ROLLBACK');
  });

  it('is the time that counts when the clock stands before it', () => {
    const late = { ...highWater, time: days(50) };
    expect(check(LICENSE, { highWater: late, at: days(49.9) }), 'restricted', false, 'EXPIRED');
    expect(check(LICENSE, { release: days(50), at: NOW }), 'restricted', false, 'EXPIRED', 'CLOCK_ROLLBACK');
  });

  it('is never the time of a clock that was wrong', () => {
    assert.ok(check(LICENSE, { at: days(3000) }).highWater.time < NOW);
  });
});

describe('what the caller heard', () => {
  it('of an authority that does not answer is a doubt', () => {
    expect(check(LICENSE, { notices: ['AUTHORITY_UNAVAILABLE'] }), 'valid', true, 'AUTHORITY_UNAVAILABLE');
    expect(check(LICENSE, { notices: ['RATE_LIMITED'] }), 'valid', true, 'RATE_LIMITED');
  });

  it('of a clone restricts', () => {
    expect(check(LICENSE, { notices: ['CLONED'] }), 'restricted', false, 'CLONED');
  });

  it('of reports: one that is overdue is told', () => {
    const license = withClaims({ reporting: { every: 86_400, required: true } });
    expect(check(license), 'valid', true, 'REPORT_OVERDUE');
    assert.equal(find(check(license, { reportedAt: days(-1) }), 'REPORT_OVERDUE'), undefined);
  });
});

describe('a caller whose options are none', () => {
  const wrong: Readonly<Record<string, object>> = {
    'require.feature': { require: { feature: ['app/reports'] } },
    'require.modes': { require: { modes: ['production'] } },
    requires: { requires: { features: ['app/reports'] } },
    products: { products: 'other' },
    'evidence.crl': { evidence: { crl: [makeCrl(enterprise)] } },
    'evidence.0': { evidence: [makeCrl(enterprise)] },
    'evidence.crls': { evidence: { crls: makeCrl(enterprise) } },
    notices: { notices: 'CLONED' },
    reportedAt: { reportedAt: new Date(Number.NaN) },
  };
  for (const [name, options] of Object.entries(wrong)) {
    it(`hears of ${name}, for which nothing would be asked`, () => {
      const heard = (error: unknown) => error instanceof TypeError && error.message.startsWith(name);
      assert.throws(() => check(LICENSE, options), heard);
    });
  }

  it('is told of missing anchors and dates with a TypeError', () => {
    assert.throws(() => check(LICENSE, { anchors: [root.certificate] as never }), TypeError);
    assert.throws(() => check(LICENSE, { at: new Date(Number.NaN) }), TypeError);
    assert.throws(() => check(LICENSE, { release: 'today' as never }), TypeError);
    const kept = JSON.parse(JSON.stringify(check(LICENSE).highWater)) as never;
    assert.throws(() => check(LICENSE, { highWater: kept }), { name: 'TypeError', message: /parseHighWater/ });
  });
});

describe('a second root that the first vouches for', () => {
  const second = makeRoot();
  const organization2 = makeOrganization(second);
  const enterprise2 = makeEnterprise(organization2);
  const site2 = makeSite(enterprise2);
  const below = [site2, enterprise2, organization2] as const;
  const newWithOld = makeLink(root, second);
  const oldWithNew = makeLink(second, root);
  const trusting = (one: Party) => ({ anchors: TrustAnchors.fromDer([one.certificate]) });

  it('is as good as the first, whichever of the two is trusted, and whatever else lies in the bundle', () => {
    const both = [newWithOld, oldWithNew, root, second];
    for (const more of [both, both.toReversed(), [newWithOld, oldWithNew]]) {
      for (const trusted of [root, second]) {
        expect(check(bundle(...below, ...more), trusting(trusted)), 'valid', true, 'VALID');
        const verdict = check(bundle(site, enterprise, organization, ...more), trusting(trusted));
        assert.deepEqual(verdict.effective, SITE_CLAIMS);
      }
    }
    expect(check(bundle(...below)), 'invalid', false, 'SIGNATURE_INVALID');
  });

  it('may have another after it', () => {
    const third = makeRoot();
    const organization3 = makeOrganization(third);
    const enterprise3 = makeEnterprise(organization3);
    const links = [makeLink(second, third), newWithOld];
    expect(check(bundle(makeSite(enterprise3), enterprise3, organization3, ...links)), 'valid', true);
  });

  it('is worth nothing any more when the first revokes that', () => {
    const { serial } = decodeCertificate(newWithOld.certificate);
    const crls = [makeCrl(root, { entries: [{ serial, revokedAt: days(-1) }] })];
    expect(check(bundle(...below, newWithOld), { evidence: { crls } }), 'invalid', false, 'ISSUER_REVOKED');
  });

  it('is no way for anybody else to leave out the claims', () => {
    const without = { claims: undefined };
    const deep = [
      extension.basicConstraints({ ca: true }),
      extension.keyUsage(['keyCertSign', 'cRLSign']),
      extension.certificatePolicies([OID.anyPolicy]),
    ];
    const other: Partial<Wish> = { subject: [['commonName', 'Other Root']], extensions: deep };
    const chainBelow = (...above: readonly Party[]) => {
      const org = makeOrganization(above[0]!);
      const ent = makeEnterprise(org);
      return bundle(makeSite(ent), ent, org, ...above);
    };
    const refused = (text: string) => expect(check(text), 'invalid', false, 'CLAIMS_MISSING');
    // Another name than that of the anchor, at the top and below a link.
    refused(chainBelow(makeLink(root, newKey(), other)));
    const deepLink = makeLink(root, newKey(), { extensions: deep });
    refused(chainBelow(makeLink(deepLink, newKey(), other), deepLink));
    // The name of the anchor again, below a CA that has another name, or that has claims.
    const elsewhere = makeLink(root, newKey(), { ...other, claims: CLAIMS });
    refused(chainBelow(makeLink(elsewhere, newKey()), elsewhere));
    const limited = makeLink(root, newKey(), { claims: CLAIMS });
    refused(chainBelow(makeLink(limited, newKey()), limited));
    // The license itself.
    expect(check(bundle(makeSite(enterprise2, without), ...below.slice(1), newWithOld)), 'invalid', false);
    // The name alone, without the key.
    expect(check(chainBelow(makeLink({ ...root, key: newKey().key }, newKey()))), 'invalid', false);
  });
});

describe('the claims of a chain', () => {
  const without = { claims: undefined };

  it('are missing as soon as one certificate below the anchor has none', () => {
    const org = makeOrganization(root, without);
    const ent = makeEnterprise(organization, without);
    expect(check(bundle(makeSite(enterprise, without), enterprise, organization)), 'invalid', false, 'CLAIMS_MISSING');
    expect(check(bundle(makeSite(ent), ent, organization)), 'invalid', false, 'CLAIMS_MISSING');
    const below = makeEnterprise(org);
    expect(check(bundle(makeSite(below), below, org)), 'invalid', false, 'CLAIMS_MISSING');
  });

  it('of a later version are refused, and so are broken ones', () => {
    const later = fromHex('3003020102');
    expect(check(withBytes(later)), 'invalid', false, 'CLAIMS_VERSION');
    expect(check(withBytes(fromHex('3003020101'))), 'invalid', false, 'MALFORMED');
    expect(check(withBytes(new Uint8Array(5000))), 'invalid', false, 'MALFORMED');
  });

  it('say one mode', () => {
    expect(check(withClaims({ modes: ['production', 'recovery'] })), 'invalid', false, 'MODE_MISMATCH');
  });

  it('are marked critical by nobody we know', () => {
    const plain = decodeCertificate(site.certificate).extensions.all.find(({ oid }) => oid === OID.licenseClaims)!;
    const critical = makeSite(enterprise, {
      claims: undefined,
      extensions: [...siteExtensions(), { ...plain, critical: true }],
    });
    expect(check(bundle(critical, enterprise, organization)), 'invalid', false, 'EXTENSION_UNKNOWN');
  });

  const withBytes = (claims: Uint8Array) => bundle(makeSite(enterprise, { claims }), enterprise, organization);
});

describe('the name of a license', () => {
  const names: { name: string; uris: string[] }[] = [
    { name: 'none', uris: [] },
    { name: 'two', uris: ['license://globex.acme/a', 'license://globex.acme/b'] },
    { name: 'one of another kind', uris: ['https://globex.acme/a'] },
    { name: 'one without a site', uris: ['license://globex.acme/'] },
  ];
  for (const { name, uris } of names) {
    it(`must be one: ${name}`, () => {
      const others = siteExtensions().filter(({ oid }) => oid !== OID.subjectAltName);
      const san = extension.subjectAltName(uris.map((value) => ({ kind: 'uri', value })));
      const extensions = uris.length > 0 ? [...others, san] : others;
      const verdict = check(bundle(makeSite(enterprise, { extensions }), enterprise, organization));
      expect(verdict, 'invalid', false, 'NAME_NOT_PERMITTED');
    });
  }
});
