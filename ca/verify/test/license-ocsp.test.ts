import assert from 'node:assert/strict';
import { createHash, sign } from 'node:crypto';
import {
  type CertStatus,
  decodeCertificate,
  encodeCertId,
  encodeOcspResponse,
  encodePem,
  encodeTbsOcspResponse,
  fromHex,
} from '@licet/format';
import { verifyLicenseSync } from '../license.ts';
import type { Verdict } from '../verdict.ts';
import { anchors, bundle, days, enterprise, NOW, organization, type Party, site } from './license-kit.ts';

const SHA256 = { raw: fromHex('300b0609608648016503040201') };
const ECDSA_SHA256 = { raw: fromHex('300a06082a8648ce3d040302') };
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();

/** An answer that the CA signs itself. */
function answer(status: CertStatus, signer: Party = enterprise, from = days(-0.25), to = days(0.75)): Uint8Array {
  const cert = decodeCertificate(site.certificate);
  const issuer = decodeCertificate(enterprise.certificate);
  const certId = encodeCertId({
    hashAlgorithm: SHA256,
    issuerNameHash: sha256(cert.issuer.raw),
    issuerKeyHash: sha256(issuer.publicKey.key),
    serial: cert.serial,
  });
  const tbs = encodeTbsOcspResponse({
    responder: { byName: signer.name },
    producedAt: from,
    responses: [{ certId: { raw: certId }, status, thisUpdate: from, nextUpdate: to }],
  });
  return encodeOcspResponse(tbs, ECDSA_SHA256, sign('sha256', tbs, signer.key));
}

const LICENSE = bundle(site, enterprise, organization);
const check = (...ocsp: Uint8Array[]): Verdict => verifyLicenseSync(LICENSE, { anchors, at: NOW, evidence: { ocsp } });
const found = ({ codes }: Verdict) => codes.map(({ code }) => code);

describe('a license with OCSP responses', () => {
  it('is as fresh as the response', () => {
    assert.deepEqual(check(answer({ kind: 'good' })).evidence, { kind: 'ocsp', age: 21_600 });
  });

  it('may carry the response in its bundle', () => {
    const whole = LICENSE + encodePem('OCSP RESPONSE', answer({ kind: 'good' }));
    assert.equal(verifyLicenseSync(whole, { anchors, at: NOW }).evidence.kind, 'ocsp');
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
