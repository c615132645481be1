import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireTool } from '@licet/checks';
import { decodeCertificate, decodeClaims, decodePem, encodeClaims, OID } from '@licet/format';
import { TrustAnchors } from '../anchors.ts';
import { fingerprintDigest } from '../binding.ts';
import { verifyLicenseSync } from '../license.ts';

const script = new URL('make-license.sh', import.meta.url).pathname;
const SITE = '99999999-2222-4333-8444-555555555555';

describe('a license made with openssl alone', () => {
  let folder: string;
  let license: string;
  let anchors: TrustAnchors;
  let issued: Date;

  before(function () {
    this.timeout(20_000);
    requireTool(this, 'openssl', 'sh');
    folder = mkdtempSync(join(tmpdir(), 'licet-openssl-'));
    const env = { ...process.env, FINGERPRINT: fingerprintDigest(SITE, 'board 1') };
    execFileSync('sh', [script, folder], { env, stdio: 'pipe' });
    license = readFileSync(join(folder, 'site.lic'), 'utf8');
    anchors = TrustAnchors.fromPem(readFileSync(join(folder, 'root.pem'), 'utf8'));
    issued = leaf().notBefore;
  });
  after(() => folder && rmSync(folder, { recursive: true }));

  const leaf = () => decodeCertificate(decodePem(license)[0]!.bytes);
  const check = (fingerprints: string[]) =>
    verifyLicenseSync(license, {
      anchors,
      at: new Date(issued.getTime() + 3_600_000),
      product: 'app',
      fingerprints,
      require: { features: ['app/export'], tier: 20, mode: 'production', limits: { nodes: 10, users: 1e6 } },
    });

  it('verifies, with every claim', () => {
    const verdict = check(['board 1']);
    assert.equal(verdict.state, 'valid', JSON.stringify(verdict.codes));
    assert.equal(verdict.effective?.id, SITE);
    assert.equal(verdict.effective?.sequence, 300);
    assert.deepEqual(verdict.effective?.limits, [
      { code: 'nodes', max: 10, scope: 'each', enforce: 'hard' },
      { code: 'users', max: 'unlimited', scope: 'pool', enforce: 'report' },
    ]);
    assert.deepEqual(verdict.effective?.reporting, { every: 7_776_000, required: true });
  });

  it('is bound to its machine', () => {
    assert.equal(check(['board 2']).usable, false);
  });

  it('has the very bytes that we would write', () => {
    const { value } = leaf().extensions.all.find(({ oid }) => oid === OID.licenseClaims)!;
    assert.deepEqual(Buffer.from(encodeClaims(decodeClaims(value))), Buffer.from(value));
  });

  it('is accepted by openssl verify -x509_strict too', () => {
    const output = execFileSync(
      'openssl',
      ['verify', '-x509_strict', '-CAfile', 'root.pem', '-untrusted', 'site.lic', 'site.pem'],
      { cwd: folder, encoding: 'utf8' },
    );
    assert.match(output, /site\.pem: OK/);
  });

  it('falls with any byte of its claims', () => {
    const bytes = decodePem(license)[0]!.bytes;
    const at = Buffer.from(bytes).indexOf('professional');
    const forged = Uint8Array.from(bytes);
    forged[at] = 0x50;
    assert.ok(verifyLicenseSync(forged, { anchors, at: issued }).codes.every(({ code }) => code !== 'VALID'));
  });
});
