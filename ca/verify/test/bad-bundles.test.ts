import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { encodeCertsOnly, encodePem } from '@licet/format';
import { CODES } from '../codes.ts';
import { verifyLicenseSync } from '../license.ts';
import { anchors, bundle, enterprise, makeEnterprise, makeSite, NOW, organization, site } from './license-kit.ts';

const LICENSE = bundle(site, enterprise, organization);
const CERT = bundle(site);

const check = (input: string | Uint8Array) => verifyLicenseSync(input, { anchors, at: NOW });

/** Not usable, for reasons from the list, and soon. */
function refused(input: string | Uint8Array): string[] {
  const start = process.hrtime.bigint();
  const verdict = check(input);
  const milliseconds = Number(process.hrtime.bigint() - start) / 1e6;
  assert.equal(verdict.usable, false);
  assert.ok(verdict.codes.length > 0);
  for (const { code } of verdict.codes) assert.ok(code in CODES);
  assert.ok(milliseconds < 1000, `took ${milliseconds} ms`);
  return verdict.codes.map(({ code }) => code);
}

describe('a bundle that is not exactly right', () => {
  const bad: { name: string; input: () => string | Uint8Array }[] = [
    { name: 'is empty', input: () => '' },
    { name: 'is no bytes', input: () => new Uint8Array() },
    { name: 'is white space', input: () => ' \n\n' },
    { name: 'is text', input: () => 'hello' },
    { name: 'is JSON', input: () => '{"license":"yes"}' },
    { name: 'is zeros', input: () => new Uint8Array(100_000) },
    { name: 'begins like DER', input: () => Uint8Array.of(0x30, 0x84, 0xff, 0xff, 0xff, 0xff) },
    { name: 'is a bomb of nested sequences', input: () => new Uint8Array(200_000).fill(0x30) },
    { name: 'has no end line', input: () => LICENSE.replace(/-----END CERTIFICATE-----\s*$/, '') },
    { name: 'has no base64', input: () => CERT.replace(/M/, '!') },
    { name: 'has an empty block', input: () => '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n' },
    { name: 'holds a key only', input: () => encodePem('PRIVATE KEY', new Uint8Array(40)) },
    { name: 'is certs-only CMS without certificates', input: () => encodeCertsOnly([]) },
    { name: 'is 9 MiB of text', input: () => 'x'.repeat(9 * 1024 * 1024) },
    { name: 'holds 33 certificates', input: () => CERT.repeat(33) },
    { name: 'holds 10,000 certificates', input: () => CERT.repeat(10_000) },
    { name: 'holds 33 CRLs', input: () => LICENSE + encodePem('X509 CRL', Uint8Array.of(0x30, 0)).repeat(33) },
  ];
  for (const { name, input } of bad) {
    it(`because it ${name} is MALFORMED`, () => assert.deepEqual(refused(input()), ['MALFORMED']));
  }

  it('is cut off anywhere: refused, or whole enough to be judged', () => {
    for (let length = 0; length < CERT.length; length += 97) refused(LICENSE.slice(0, length));
  });

  it('has other bytes anywhere: no exception, and no rights that were not signed', () => {
    const der = Buffer.from(encodeCertsOnly([site, enterprise, organization].map(({ certificate }) => certificate)));
    const good = check(der).effective;
    fc.assert(
      fc.property(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const mutant = Uint8Array.from(der);
        mutant[at]! ^= change;
        const verdict = check(mutant);
        if (verdict.usable) assert.deepEqual(verdict.effective, good);
      }),
      { numRuns: 1000 },
    );
  });

  it('holds CAs that certify each other in loops: found or refused within the budget', () => {
    const a = makeEnterprise(organization);
    const loop = Array.from({ length: 14 }, () => makeEnterprise(a, { keys: a }));
    const verdict = check(bundle(makeSite(a), ...loop));
    assert.equal(verdict.usable, false);
    assert.equal(check(bundle(makeSite(a), ...loop, a, organization)).usable, true);
  });

  it('may hold what it does not need: keys, text, unreadable certificates behind the license', () => {
    const extra = encodePem('CERTIFICATE', Uint8Array.of(0x30, 0)) + encodePem('EC PRIVATE KEY', Uint8Array.of(1));
    assert.equal(check(`${LICENSE}${extra}`).usable, true);
  });
});
