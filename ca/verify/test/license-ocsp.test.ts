import assert from 'node:assert/strict';
import { encodePem } from '@licet/format';
import { verifyLicenseSync } from '../license.ts';
import type { Verdict } from '../verdict.ts';
import { anchors, bundle, days, enterprise, makeCrl, NOW, organization, site } from './license-kit.ts';
import { ocspAnswer as answer } from './ocsp-kit.ts';

const LICENSE = bundle(site, enterprise, organization);
/** The CA above is spoken for by a list, as the agent fetches it. */
const crls = [makeCrl(organization, { thisUpdate: days(-1 / 24) })];
const check = (...ocsp: Uint8Array[]): Verdict =>
  verifyLicenseSync(LICENSE, { anchors, at: NOW, evidence: { ocsp, crls } });
const found = ({ codes }: Verdict) => codes.map(({ code }) => code);

describe('a license with OCSP responses', () => {
  it('is as fresh as the response', () => {
    assert.deepEqual(check(answer({ kind: 'good' })).evidence, { kind: 'ocsp', age: 21_600 });
  });

  it('may carry the response in its bundle', () => {
    const whole = LICENSE + encodePem('OCSP RESPONSE', answer({ kind: 'good' }));
    assert.equal(verifyLicenseSync(whole, { anchors, at: NOW, evidence: { crls } }).evidence.kind, 'ocsp');
  });

  it('is revoked, suspended or superseded as the response says', () => {
    const revokedAt = days(-1);
    const states = (['keyCompromise', 'certificateHold', 'superseded'] as const).map((reason) => {
      const verdict = check(answer({ kind: 'revoked', revokedAt, reason }));
      return [verdict.usable, verdict.state, found(verdict)[0]];
    });
    assert.deepEqual(states, [
      [false, 'invalid', 'REVOKED'],
      [false, 'restricted', 'SUSPENDED'],
      [false, 'invalid', 'SUPERSEDED'],
    ]);
  });

  it('is in doubt, and usable, with one that is unknown, stale or signed by somebody else', () => {
    for (const [doubt, code] of [
      [answer({ kind: 'unknown' }), 'STATUS_UNKNOWN'],
      [answer({ kind: 'good' }, enterprise, days(-4), days(-3)), 'STATUS_STALE'],
      [answer({ kind: 'good' }, organization), 'STATUS_UNKNOWN'],
      [answer({ kind: 'revoked', revokedAt: days(-1), reason: undefined }, organization), 'STATUS_UNKNOWN'],
    ] as const) {
      const verdict = check(doubt);
      assert.deepEqual([verdict.usable, verdict.evidence.kind], [true, 'issue']);
      assert.ok(found(verdict).includes(code), found(verdict).join());
    }
  });

  it('is revoked when one of many says so', () => {
    const revoked = answer({ kind: 'revoked', revokedAt: days(-1), reason: undefined });
    assert.equal(check(answer({ kind: 'unknown' }), revoked).usable, false);
    // Also when an answer from before the revocation is put in front of it.
    assert.equal(check(answer({ kind: 'good' }), revoked).usable, false);
  });
});
