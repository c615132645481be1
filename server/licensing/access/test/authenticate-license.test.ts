import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { decodeCertificate, toHex } from '@licet/format';
import {
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
} from '@licet/verify/testing';
import { ManualClock } from '../../test/manual-clock.ts';
import type { License } from '../../model/license.ts';
import type { SiteStatus } from '../../model/site.ts';
import type { IssuedLicense } from '../../ports/issuance.ts';
import { authorize } from '../authorize.ts';
import type { PresentDeps } from '../../identity/present-license.ts';
import { authenticateLicense } from '../authenticate-license.ts';
import { hasCode } from './principals.ts';

const SITE = '01920000-0000-7000-8000-000000000007';
const ENTERPRISE = '01920000-0000-7000-8000-000000000001';

const site = makeSite(enterprise);
const chainOf = (leaf: Party): Uint8Array<ArrayBuffer>[] =>
  [leaf, enterprise, organization, root].map(({ certificate }) => Uint8Array.from(certificate));
const serialOf = (party: Party): string => toHex(decodeCertificate(Uint8Array.from(party.certificate)).serial);

/** What the database says: one license of one site. */
type Stored = { status: License['status']; site: SiteStatus };

function world(stored: Stored, at: Date = NOW) {
  const asked: string[] = [];
  const issued = { serial: serialOf(site), chain: chainOf(site) } as unknown as IssuedLicense;
  const publicKey = createHash('sha256').update(site.publicKey).digest();
  const license = { serial: serialOf(site), organization: 'acme', enterprise: ENTERPRISE, site: SITE, publicKey };
  const isOurs = (organization: string, serial: string): boolean =>
    organization === 'acme' && serial === serialOf(site);
  const deps: PresentDeps = {
    clock: new ManualClock(at),
    record: async (organization, serial) => {
      asked.push(serial);
      const { status, site: siteStatus } = stored;
      return isOurs(organization, serial) ? { issued, license: { ...license, status, siteStatus } } : undefined;
    },
  };
  return { deps, stored, asked };
}

const good: Stored = { status: 'current', site: 'active' };
const OWN = { organization: 'acme', enterprise: ENTERPRISE, site: SITE };

describe('A license as the identity of a site', () => {
  it('makes its holder that site and no more', async () => {
    const who = await authenticateLicense(site.certificate, world(good).deps);
    assert.deepEqual([who.kind, who.id, who.roles, who.actions], ['site', `site:${SITE}`, ['site'], undefined]);
    authorize(who, 'license.validate', OWN);
    authorize(who, 'license.renew', OWN);
    assert.throws(() => authorize(who, 'license.renew', { ...OWN, site: 'another' }), hasCode('NOT_FOUND'));
    assert.throws(() => authorize(who, 'site.create', OWN), hasCode('NOT_ALLOWED'));
  });

  it('is judged anew with every request: one that is revoked meanwhile is refused on the same connection', async () => {
    const { deps, stored, asked } = world({ ...good });
    await authenticateLicense(site.certificate, deps);
    stored.status = 'revoked';
    await assert.rejects(authenticateLicense(site.certificate, deps), hasCode('LICENSE_REVOKED'));
    assert.equal(asked.length, 2);
  });

  for (const [what, change, code] of [
    ['a revoked license', { status: 'revoked' }, 'LICENSE_REVOKED'],
    ['a suspended license', { status: 'suspended' }, 'LICENSE_SUSPENDED'],
    ['a suspended site', { site: 'suspended' }, 'SITE_NOT_ACTIVE'],
    ['a retired site', { site: 'retired' }, 'SITE_NOT_ACTIVE'],
    ['a pending site', { site: 'pending' }, 'SITE_NOT_ACTIVE'],
  ] as const) {
    it(`refuses ${what}`, () =>
      assert.rejects(authenticateLicense(site.certificate, world({ ...good, ...change }).deps), hasCode(code)));
  }

  for (const [what, stored, at] of [
    ['that was renewed already', { ...good, status: 'superseded' }, NOW],
    ['in its grace', good, days(21)],
  ] as const) {
    it(`is good for a renewal only when it is one ${what}`, async () => {
      const who = await authenticateLicense(site.certificate, world(stored, at).deps);
      authorize(who, 'license.renew', OWN);
      for (const action of ['license.validate', 'statistics.report', 'site.read', 'self.read'] as const) {
        assert.throws(() => authorize(who, action, OWN), hasCode('NOT_ALLOWED'));
      }
    });
  }

  it('is nothing after its grace, nor before its time', async () => {
    await assert.rejects(authenticateLicense(site.certificate, world(good, days(40)).deps), hasCode('LICENSE_EXPIRED'));
    await assert.rejects(
      authenticateLicense(site.certificate, world(good, days(-11)).deps),
      hasCode('LICENSE_NOT_VALID'),
    );
  });

  it('is not taken from another root, with another key, or from a hostile enterprise under the same serial', async () => {
    const serial = decodeCertificate(Uint8Array.from(site.certificate)).serial;
    const fakeRoot = makeRoot();
    const fake = makeSite(makeEnterprise(makeOrganization(fakeRoot)), { serial });
    const hostile = makeSite(enterprise, { serial });
    const sameKey = makeSite(makeEnterprise(organization), { serial, keys: site });
    for (const leaf of [fake, hostile, sameKey]) {
      await assert.rejects(authenticateLicense(leaf.certificate, world(good).deps), hasCode('LICENSE_UNKNOWN'));
    }
  });

  it('is not taken from what is none', async () => {
    for (const shown of [new Uint8Array(), Uint8Array.of(0x30, 0x00), root.certificate]) {
      await assert.rejects(authenticateLicense(shown, world(good).deps), hasCode('LICENSE_UNKNOWN'));
    }
  });
});
