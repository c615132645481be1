import assert from 'node:assert/strict';
import { OID } from '@licet/format';
import { checkProfile } from '../check.ts';
import { loadProfiles, profileHash } from '../index.ts';
import { DAY, type Profile, YEAR } from '../profile.ts';

describe('profiles', () => {
  const profiles = loadProfiles();

  it('live as long as the design says', () => {
    const lifetimes = Object.fromEntries(Object.values(profiles).map(({ name, lifetime }) => [name, lifetime]));
    assert.deepEqual(lifetimes, {
      root: 20 * YEAR,
      link: 20 * YEAR,
      organization: 5 * YEAR,
      enterprise: 2 * YEAR,
      site: 30 * DAY,
      'service-ca': 5 * YEAR,
      service: 90 * DAY,
      ocsp: 7 * DAY,
      manifest: 2 * YEAR,
    });
  });

  it('leave each CA exactly the CAs below it that the design has', () => {
    const { root, organization, enterprise, 'service-ca': serviceCa, site } = profiles;
    assert.deepEqual(
      [root, organization, enterprise, serviceCa, site].map(({ pathLength }) => pathLength),
      [2, 1, 0, 0, undefined],
    );
  });

  const broken: { name: string; from: Profile; change: Partial<Profile>; section: string }[] = [
    { name: 'a life without end', from: profiles.site, change: { lifetime: Infinity }, section: '4.1.2.5' },
    { name: 'a life of nothing', from: profiles.site, change: { lifetime: 0 }, section: '4.1.2.5' },
    { name: 'more than twenty years', from: profiles.root, change: { lifetime: 21 * YEAR }, section: '4.1.2.5' },
    { name: 'a path length of 3', from: profiles.root, change: { pathLength: 3 }, section: '4.2.1.9' },
    {
      name: 'a license that signs certificates',
      from: profiles.site,
      change: { keyUsage: ['keyCertSign'] },
      section: '4.2.1.3',
    },
    {
      name: 'a CA that signs no CRLs',
      from: profiles.enterprise,
      change: { keyUsage: ['keyCertSign'] },
      section: '4.2.1.3',
    },
    { name: 'no usage at all', from: profiles.site, change: { keyUsage: [] }, section: '4.2.1.3' },
    {
      name: 'a leaf for any purpose',
      from: profiles.site,
      change: { extendedKeyUsage: { critical: false, purposes: [OID.anyExtendedKeyUsage] } },
      section: '4.2.1.12',
    },
    {
      name: 'a leaf without a purpose',
      from: profiles.manifest,
      change: { extendedKeyUsage: undefined },
      section: '4.2.1.12',
    },
    {
      name: 'a CA with purposes',
      from: profiles.enterprise,
      change: { extendedKeyUsage: { critical: false, purposes: [OID.clientAuth] } },
      section: '4.2.1.12',
    },
    {
      name: 'an OCSP responder that is asked about itself',
      from: profiles.ocsp,
      change: { revocation: 'pointers' },
      section: '4.2.2.2',
    },
    {
      name: 'a license that nobody can revoke',
      from: profiles.site,
      change: { revocation: 'none' },
      section: '4.2.1.13',
    },
    {
      name: 'a leaf with name constraints',
      from: profiles.site,
      change: { nameConstraints: 'subtree' },
      section: '4.2.1.10',
    },
    {
      name: 'a TLS server without names',
      from: profiles.service,
      change: { alternativeNames: 'none' },
      section: '4.2.1.6',
    },
    {
      name: 'a license with host names',
      from: profiles.site,
      change: { alternativeNames: 'hosts' },
      section: '4.2.1.6',
    },
    { name: 'claims without the license policy', from: profiles.site, change: { policies: [] }, section: '4.2.1.4' },
    { name: 'the license policy without claims', from: profiles.site, change: { claims: 'none' }, section: '4.2.1.4' },
    { name: 'RSA of 1024 bits', from: profiles.site, change: { rsaBits: 1024 }, section: '4.1.2.7' },
    { name: 'a CA with RSA of 2048 bits', from: profiles.enterprise, change: { rsaBits: 2048 }, section: '4.1.2.7' },
    { name: 'no algorithm', from: profiles.site, change: { subjectKeys: [] }, section: '4.1.2.7' },
    { name: 'a site that signs', from: profiles.site, change: { issuers: ['tls'] }, section: '6.1' },
    { name: 'nobody who signs it', from: profiles.site, change: { issuers: [] }, section: '6.1' },
  ];
  for (const { name, from, change, section } of broken) {
    it(`are refused when they say: ${name}`, () => {
      const error = catchError(() => checkProfile({ ...from, ...change }));
      assert.equal(error.code, 'PROFILE_INVALID');
      assert.ok(
        error.details.some((detail) => detail.includes(`§${section}:`)),
        error.details.join('\n'),
      );
    });
  }

  it('can be narrowed by an operator, and not widened', () => {
    const { site } = loadProfiles({ site: { lifetime: 7 * DAY, subjectKeys: ['Ed25519'] } });
    assert.equal(site.lifetime, 7 * DAY);
    assert.deepEqual(site.subjectKeys, ['Ed25519']);
    assert.throws(() => loadProfiles({ site: { lifetime: 31 * DAY } }), { code: 'PROFILE_INVALID' });
    assert.throws(() => loadProfiles({ sight: { lifetime: DAY } } as never), { code: 'PROFILE_INVALID' });
  });

  it('have a hash that changes with any part of them', () => {
    const hash = Buffer.from(profileHash(profiles.site)).toString('hex');
    assert.equal(Buffer.from(profileHash({ ...profiles.site })).toString('hex'), hash);
    assert.notEqual(Buffer.from(profileHash({ ...profiles.site, lifetime: DAY })).toString('hex'), hash);
  });

  it('cannot be changed once they are loaded', () => {
    assert.throws(() => Object.assign(profiles.site, { lifetime: 1 }), TypeError);
  });
});

function catchError(work: () => unknown): { code: string; details: readonly string[] } {
  try {
    work();
  } catch (error) {
    return error as { code: string; details: readonly string[] };
  }
  return assert.fail('nothing was thrown');
}
