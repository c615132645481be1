import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type PathOptions, verifyPathSync } from '../index.ts';
import exceptions from './pkits-exceptions.json' with { type: 'json' };

/*
 * NIST PKITS 1.0.1. The names of the leaves say what is expected of them; where the document lists several subtests with
 * settings of their own (4.8, 4.10, 4.12), these stand in SUBTESTS. Every test is given every certificate and every CRL
 * of the suite, so each one is also a test of path building among 180 candidates.
 */

type Policies = NonNullable<PathOptions['policies']>;
type Subtest = { readonly name: string; readonly policies: Policies; readonly valid: boolean };

const POLICY = [1, 2, 3, 4, 5, 6].map((n) => `2.16.840.1.101.3.2.1.48.${n}`);
const P1 = { initial: [POLICY[0]!] };
const P2 = { initial: [POLICY[1]!] };
const P3 = { initial: [POLICY[2]!] };
const P6 = { initial: [POLICY[5]!] };
const EXPLICIT = { requireExplicit: true };

const test = (name: string, policies: Policies, valid: boolean): Subtest => ({ name, policies, valid });

const SUBTESTS: readonly Subtest[] = [
  test('ValidCertificatePathTest1', EXPLICIT, true), // 4.8.1
  test('ValidCertificatePathTest1', { ...EXPLICIT, ...P1 }, true),
  test('ValidCertificatePathTest1', { ...EXPLICIT, ...P2 }, false),
  test('ValidCertificatePathTest1', { ...EXPLICIT, initial: [POLICY[0]!, POLICY[1]!] }, true),
  test('AllCertificatesNoPoliciesTest2', {}, true),
  test('AllCertificatesNoPoliciesTest2', EXPLICIT, false),
  test('DifferentPoliciesTest3', {}, true),
  test('DifferentPoliciesTest3', EXPLICIT, false),
  test('DifferentPoliciesTest3', { ...EXPLICIT, initial: [POLICY[0]!, POLICY[1]!] }, false),
  test('DifferentPoliciesTest4', {}, false),
  test('DifferentPoliciesTest5', {}, false),
  test('OverlappingPoliciesTest6', {}, true),
  test('OverlappingPoliciesTest6', P1, true),
  test('OverlappingPoliciesTest6', P2, false),
  test('DifferentPoliciesTest7', {}, false),
  test('DifferentPoliciesTest8', {}, false),
  test('DifferentPoliciesTest9', {}, false),
  test('AllCertificatesSamePoliciesTest10', {}, true),
  test('AllCertificatesSamePoliciesTest10', P1, true),
  test('AllCertificatesSamePoliciesTest10', P2, true),
  test('AllCertificatesanyPolicyTest11', {}, true),
  test('AllCertificatesanyPolicyTest11', P1, true),
  test('DifferentPoliciesTest12', {}, false),
  test('AllCertificatesSamePoliciesTest13', P1, true),
  test('AllCertificatesSamePoliciesTest13', P2, true),
  test('AllCertificatesSamePoliciesTest13', P3, true),
  test('AnyPolicyTest14', P1, true),
  test('AnyPolicyTest14', P2, false),
  test('UserNoticeQualifierTest15', {}, true),
  test('UserNoticeQualifierTest16', {}, true),
  test('UserNoticeQualifierTest17', {}, true),
  test('UserNoticeQualifierTest18', P1, true),
  test('UserNoticeQualifierTest18', P2, true),
  test('UserNoticeQualifierTest19', {}, true),
  test('CPSPointerQualifierTest20', {}, true),
  test('ValidPolicyMappingTest1', P1, true), // 4.10.1
  test('ValidPolicyMappingTest1', P2, false),
  test('ValidPolicyMappingTest1', { inhibitMapping: true }, false),
  test('InvalidPolicyMappingTest2', { inhibitMapping: true }, false),
  test('ValidPolicyMappingTest3', P1, false),
  test('ValidPolicyMappingTest3', P2, true),
  test('ValidPolicyMappingTest5', P1, true),
  test('ValidPolicyMappingTest5', P6, false),
  test('ValidPolicyMappingTest6', P1, true),
  test('ValidPolicyMappingTest6', P6, false),
  test('ValidPolicyMappingTest12', P1, true),
  test('ValidPolicyMappingTest12', P2, true),
  test('inhibitAnyPolicyTest3', {}, true), // 4.12.3
  test('inhibitAnyPolicyTest3', { inhibitAny: true }, false),
];

const AT = new Date('2026-06-15T12:00:00Z');

const packed = JSON.parse(gunzipSync(readFileSync(join(import.meta.dirname, 'data/pkits.json.gz'))).toString()) as {
  certificates: Record<string, string>;
  crls: Record<string, string>;
};
const bytes = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'));

const ROOT = 'TrustAnchorRootCertificate';
const all = Object.entries(packed.certificates);
const leaves = new Map(
  all.filter(([name]) => name.endsWith('EE')).map(([name, der]) => [name.slice(0, -2), bytes(der)]),
);
const intermediates = all.filter(([name]) => !name.endsWith('EE') && name !== ROOT).map(([, der]) => bytes(der));
const options: PathOptions = {
  intermediates,
  anchors: [bytes(packed.certificates[ROOT]!)],
  crls: Object.values(packed.crls).map(bytes),
  at: AT,
};

const byName = [...leaves.keys()].filter((name) => /^(?:Inv|V)alid/.test(name));
// The document wants these under the settings of SUBTESTS only.
const ONLY_SUBTESTS = new Set(['ValidPolicyMappingTest3']);

const refusals = new Map(exceptions.map(({ test, reason }) => [test, reason]));

describe('NIST PKITS', function () {
  this.timeout(30_000);

  for (const name of byName.filter((name) => !ONLY_SUBTESTS.has(name))) {
    const valid = name.startsWith('Valid');
    const reason = refusals.get(name);
    it(`${valid ? 'accepts' : 'refuses'} ${name}${reason === undefined ? '' : ' (not, and says why)'}`, () => {
      const { ok, codes } = verifyPathSync(leaves.get(name)!, options);
      assert.equal(ok, valid && reason === undefined, codes.join());
      assert.equal(codes.length === 0, ok);
    });
  }

  for (const { name, policies, valid } of SUBTESTS) {
    it(`${valid ? 'accepts' : 'refuses'} ${name} with ${JSON.stringify(policies)}`, () => {
      const result = verifyPathSync(leaves.get(name)!, { ...options, policies });
      assert.equal(result.ok, valid, result.codes.join());
      if (!valid) assert.deepEqual(result.codes, ['POLICY_NOT_SATISFIED']);
    });
  }

  it('has exceptions only for tests that exist and expect acceptance', () => {
    for (const { test } of exceptions) assert.ok(leaves.has(test) && test.startsWith('Valid'), test);
  });
});
