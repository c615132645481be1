import assert from 'node:assert/strict';
import { makeCsr } from '@licet/authority/workshop';
import { fingerprintDigest, TrustAnchors, verifyLicense } from '@licet/verify';
import { encodePem, toHex } from '@licet/format';
import { testDatabase, type TestDatabase } from '../../persistence/test/test-database.ts';
import { renewalLooks } from '../../persistence/identity/renewal.ts';
import { outbox } from '../../persistence/outbox.ts';
import { decideEnrolment } from '../enrolment/approval.ts';
import { createToken, withdrawToken } from '../enrolment/create-token.ts';
import { enrol } from '../enrolment/enrol.ts';
import { createRenewalInfo } from '../identity/renewal-info.ts';
import { claimsOf } from '../licenses/claims-of.ts';
import { renewLicense } from '../licenses/renew.ts';
import { LicetError } from '../errors.ts';
import type { IssuedLicense } from '../ports/issuance.ts';
import { createSite } from '../sites/create-site.ts';
import { reinstateSite, retireSite, suspendSite } from '../sites/site-life.ts';
import { updateSite } from '../sites/update-site.ts';
import { suspendContract } from '../contracts/contracts.ts';
import { hasCode, Office, OWNER, siteActor, START } from './office.ts';

describe('Sites', () => {
  let database: TestDatabase;
  let office: Office;
  before(async function () {
    database = await testDatabase(this);
    office = new Office(database);
    await office.open();
    await database.run('platform', (tx) => outbox.subscribe(tx, 'test'));
  });
  after(() => database?.close());
  beforeEach(() => office.clock.set(START));

  const statusOf = async (id: string) =>
    (await database.run({ organization: 'acme' }, (tx) => office.deps.stores.sites.get(tx, id)))?.status;
  // On a machine that is at its end some are told to ask again.
  const patiently = async (token: string, csr: Uint8Array): Promise<IssuedLicense> => {
    try {
      return await enrol(office.deps)({ token, csr });
    } catch (error) {
      if (error instanceof LicetError && error.code === 'DATABASE_BUSY') return patiently(token, csr);
      throw error;
    }
  };
  const licenseStatus = async (serial: string) =>
    (await database.run({ organization: 'acme' }, (tx) => office.deps.stores.licenses.get(tx, serial)))?.status;

  it('get a license that verifies offline, with the rights of the contract and the share of the site', async () => {
    const { contract } = await office.customer();
    const { site, license } = await office.site(contract, { shares: { machines: 3 } });
    assert.equal(site.status, 'active');
    const claims = claimsOf(license.chain[0]!);
    assert.equal(claims.id, site.lineage);
    assert.deepEqual(claims.modes, ['production']);
    assert.deepEqual(
      claims.limits.map(({ code, max, scope }) => [code, max, scope]),
      [
        ['machines', 3, 'pool'],
        ['users', 100, 'each'],
      ],
    );
    assert.equal(claims.term.to.toISOString(), '2027-12-31T23:00:00.000Z');
    const anchors = TrustAnchors.fromDer([license.chain.at(-1)!]);
    const pem = license.chain.map((der) => encodePem('CERTIFICATE', der)).join('');
    const verdict = await verifyLicense(pem, { anchors, at: START, product: 'press' });
    assert.equal(verdict.usable, true, JSON.stringify(verdict.codes));
  });

  it('have nothing of a pool that they take no share of', async () => {
    const { contract } = await office.customer();
    const { license } = await office.site(contract);
    assert.deepEqual(
      claimsOf(license.chain[0]!).limits.map(({ code }) => code),
      ['users'],
    );
  });

  it('are not there when there was no license for them', async () => {
    const { contract } = await office.customer();
    const name = 'ghost';
    await assert.rejects(office.site(contract, { name, csr: makeCsr('P-256').slice(0, 60) }), hasCode('CSR_INVALID'));
    const rows = await database.run({ organization: 'acme' }, (tx) => office.deps.stores.sites.count(tx, { name }));
    assert.equal(rows, 0);
    await office.site(contract, { name });
  });

  it('leave no trace where none can have a license now', async () => {
    const { contract } = await office.customer();
    office.clock.set(new Date('2031-01-01T00:00:00Z'));
    await assert.rejects(office.site(contract, { name: 'too-late' }), hasCode('TERM_ENDED'));
    const rows = await database.run({ organization: 'acme' }, (tx) =>
      office.deps.stores.sites.count(tx, { contract: contract.id }),
    );
    assert.equal(rows, 0);
  });

  it('are found again by the very request that made them, whatever kept its answer back', async () => {
    const { contract } = await office.customer({ siteCaps: { production: 1, development: 0, recovery: 0 } });
    const order = { contract: contract.id, name: 'lost', mode: 'production', csr: makeCsr() } as const;
    const away = new LicetError('unavailable', 'SIGNER_UNAVAILABLE', 'Away.', { retryAfterSeconds: 2 });
    const issuance = { ...office.deps.issuance, issue: () => Promise.reject(away) };
    await assert.rejects(createSite({ ...office.deps, issuance })(OWNER, order), hasCode('SIGNER_UNAVAILABLE'));
    const made = await createSite(office.deps)(OWNER, order);
    const again = await createSite(office.deps)(OWNER, order);
    assert.deepEqual([again.site.id, again.license?.serial], [made.site.id, made.license!.serial]);
    assert.equal((await createSite(office.deps)(OWNER, order)).site.status, 'active');
    await assert.rejects(createSite(office.deps)(OWNER, { ...order, csr: makeCsr() }), hasCode('SITE_CAP_REACHED'));
  });

  it('enrol with a token that is good for one request, which may be repeated', async () => {
    const { contract } = await office.customer();
    const { site, enrolment } = await createSite(office.deps)(OWNER, {
      contract: contract.id,
      name: 'hall-1',
      mode: 'production',
    });
    assert.equal(site.status, 'pending');
    const csr = makeCsr();
    const first = await enrol(office.deps)({ token: enrolment!.token, csr });
    const again = await enrol(office.deps)({ token: enrolment!.token, csr });
    assert.equal(first.serial, again.serial);
    assert.deepEqual([first.fresh, again.fresh], [true, false]);
    assert.equal(await statusOf(site.id), 'active');
    await assert.rejects(enrol(office.deps)({ token: enrolment!.token, csr: makeCsr() }), hasCode('TOKEN_USED'));
  });

  it('of fifty machines with the same token one gets a license', async () => {
    const { contract } = await office.customer();
    const { enrolment } = await createSite(office.deps)(OWNER, {
      contract: contract.id,
      name: 'rush',
      mode: 'production',
    });
    const all = await Promise.allSettled(Array.from({ length: 50 }, () => patiently(enrolment!.token, makeCsr())));
    assert.equal(all.filter(({ status }) => status === 'fulfilled').length, 1);
    for (const one of all) if (one.status === 'rejected') hasCode('TOKEN_USED')(one.reason);
  });

  it('of fifty copies of a request with a token all get the same license', async () => {
    const { contract } = await office.customer();
    const { enrolment } = await createSite(office.deps)(OWNER, {
      contract: contract.id,
      name: 'copies',
      mode: 'production',
    });
    const csr = makeCsr();
    const all = await Promise.all(Array.from({ length: 50 }, () => patiently(enrolment!.token, csr)));
    assert.equal(new Set(all.map(({ serial }) => serial)).size, 1);
  });

  it('come into being when a token without a site is used, within the caps of the contract', async () => {
    const { contract } = await office.customer({ siteCaps: { production: 1 } });
    const tokens = await Promise.all(
      [1, 2].map(() => createToken(office.deps)(OWNER, { contract: contract.id, mode: 'production', options: {} })),
    );
    await assert.rejects(enrol(office.deps)({ token: tokens[0]!.token, csr: makeCsr() }), hasCode('NAME_NEEDED'));
    await enrol(office.deps)({ token: tokens[0]!.token, csr: makeCsr(), name: 'auto-1' });
    const second = enrol(office.deps)({ token: tokens[1]!.token, csr: makeCsr(), name: 'auto-2' });
    await assert.rejects(second, hasCode('SITE_CAP_REACHED'));
  });

  describe('are refused a license for a token that is', () => {
    const tokenFor = async (options: object = {}, more: object = {}) => {
      const { contract } = await office.customer();
      return createToken(office.deps)(OWNER, {
        contract: contract.id,
        mode: 'production',
        name: 'one',
        ...more,
        options,
      });
    };
    const tries: Record<string, () => Promise<[promise: Promise<unknown>, code: string]>> = {
      'no token at all': async () => [enrol(office.deps)({ token: 'x', csr: makeCsr() }), 'TOKEN_UNKNOWN'],
      unknown: async () => {
        const { token } = await tokenFor();
        return [
          enrol(office.deps)({ token: `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`, csr: makeCsr() }),
          'TOKEN_UNKNOWN',
        ];
      },
      'of another organization': async () => {
        const { token } = await tokenFor();
        return [enrol(office.deps)({ token: token.replace('.acme.', '.other.'), csr: makeCsr() }), 'TOKEN_UNKNOWN'];
      },
      expired: async () => {
        const { token, expiresAt } = await tokenFor({ lifetime: 60 });
        office.clock.set(expiresAt);
        return [enrol(office.deps)({ token, csr: makeCsr() }), 'TOKEN_EXPIRED'];
      },
      withdrawn: async () => {
        const { id, token } = await tokenFor();
        await withdrawToken(office.deps)(OWNER, { id });
        await assert.rejects(withdrawToken(office.deps)(OWNER, { id }), hasCode('TOKEN_SPENT'));
        return [enrol(office.deps)({ token, csr: makeCsr() }), 'TOKEN_WITHDRAWN'];
      },
      'for another name': async () => {
        const { token } = await tokenFor();
        return [enrol(office.deps)({ token, csr: makeCsr(), name: 'two' }), 'TOKEN_NAME'];
      },
      'for another machine': async () => {
        const { token } = await tokenFor({ fingerprint: 'disk:1' });
        return [enrol(office.deps)({ token, csr: makeCsr(), fingerprints: ['disk:2'] }), 'TOKEN_FINGERPRINT'];
      },
    };
    for (const [name, attempt] of Object.entries(tries)) {
      it(name, async () => {
        const [promise, code] = await attempt();
        await assert.rejects(promise, hasCode(code));
      });
    }

    it('good still, after a request that can never succeed', async () => {
      const { token } = await tokenFor();
      const used = (await office.site((await office.customer()).contract)).license;
      assert.ok(used.fresh);
      const csr = makeCsr();
      await office.site((await office.customer()).contract, { csr });
      await assert.rejects(enrol(office.deps)({ token, csr }), hasCode('KEY_REUSED'));
      assert.equal((await enrol(office.deps)({ token, csr: makeCsr() })).fresh, true);
    });
  });

  describe('whose token wants a person to agree', () => {
    const waiting = async () => {
      const { contract } = await office.customer();
      const options = { approval: true, lifetime: 60 };
      const made = await createToken(office.deps)(OWNER, { contract: contract.id, mode: 'production', options });
      const [csr, name] = [makeCsr(), 'asks'];
      const ask = (request = csr) => enrol(office.deps)({ token: made.token, csr: request, name });
      await assert.rejects(ask(), hasCode('ENROLMENT_PENDING'));
      return { ask, id: made.id, expiresAt: made.expiresAt };
    };
    const decide = (id: string, decision: 'given' | 'declined') =>
      decideEnrolment(office.deps)(OWNER, { id, decision });

    it('wait, all the same when it takes longer than the token lives, and the same request gets the license', async () => {
      const { ask, id, expiresAt } = await waiting();
      office.clock.set(expiresAt);
      await assert.rejects(ask(), hasCode('ENROLMENT_PENDING'));
      await assert.rejects(ask(makeCsr()), hasCode('TOKEN_USED'));
      await decide(id, 'given');
      await assert.rejects(ask(makeCsr()), hasCode('TOKEN_USED'));
      const license = await ask();
      assert.equal((await ask()).serial, license.serial);
      await assert.rejects(decide(id, 'declined'), hasCode('ENROLMENT_NOT_WAITING'));
    });

    it('get none when it does not', async () => {
      const { ask, id } = await waiting();
      await decide(id, 'declined');
      await assert.rejects(ask(), hasCode('ENROLMENT_DECLINED'));
    });

    it('ask for what can be given at all', async () => {
      const { contract } = await office.customer();
      const options = { approval: true };
      const { id, token } = await createToken(office.deps)(OWNER, {
        contract: contract.id,
        mode: 'production',
        options,
      });
      await assert.rejects(enrol(office.deps)({ token, csr: makeCsr() }), hasCode('NAME_NEEDED'));
      await assert.rejects(decide(id, 'given'), hasCode('ENROLMENT_NOT_WAITING'));
    });
  });

  it('are bound to their machine where the contract demands it', async () => {
    const { contract } = await office.customer({ bindingNeed: 2 });
    await assert.rejects(office.site(contract, { fingerprints: ['a'] }), hasCode('BINDING_NEEDED'));
    const { site, license } = await office.site(contract, { fingerprints: ['a', 'b', 'c', 'd'] });
    const { binding } = claimsOf(license.chain[0]!);
    assert.equal(binding?.need, 3);
    assert.ok(binding.digests.includes(fingerprintDigest(site.lineage, 'b')));
  });

  it('change their mode by a new license at once, for the key that they have', async () => {
    const { contract } = await office.customer();
    const { site, license } = await office.site(contract, { mode: 'development' });
    const { license: other, site: after } = await updateSite(office.deps)(OWNER, { id: site.id, mode: 'production' });
    assert.equal(after.mode, 'production');
    const claims = claimsOf(other!.chain[0]!);
    assert.deepEqual([claims.modes, claims.sequence, claims.id], [['production'], 2, site.lineage]);
    assert.equal(await licenseStatus(license.serial), 'superseded');
    const again = await updateSite(office.deps)(OWNER, { id: site.id, mode: 'production' });
    assert.equal(again.license, undefined);
  });

  it('are renewed after a change whichever of the two licenses they show', async () => {
    const { contract } = await office.customer();
    const renew = renewLicense(office.deps);
    for (const shown of ['old', 'new'] as const) {
      const { site, license } = await office.site(contract, { mode: 'development', name: `mover-${shown}` });
      const { license: other } = await updateSite(office.deps)(OWNER, { id: site.id, mode: 'production' });
      const predecessor = shown === 'old' ? license.serial : other!.serial;
      const renewed = await renew(siteActor(site), { predecessor, csr: makeCsr() });
      assert.deepEqual(claimsOf(renewed.chain[0]!).modes, ['production']);
      const rest = shown === 'old' ? other!.serial : license.serial;
      await assert.rejects(renew(siteActor(site), { predecessor: rest, csr: makeCsr() }), hasCode('CLONE_SUSPECTED'));
      await retireSite(office.deps)(OWNER, { id: site.id });
    }
  });

  it('are told to renew now when their rights have changed', async () => {
    const { contract } = await office.customer();
    const { site, license } = await office.site(contract, { mode: 'development' });
    const info = createRenewalInfo({ ...office.deps, looks: renewalLooks });
    const ask = () => info(license.serial);
    assert.ok((await ask()).start > START);
    await updateSite(office.deps)(OWNER, { id: site.id, mode: 'production' });
    const { end, explanation } = await ask();
    assert.ok(end <= START && explanation !== undefined);
  });

  it('keep their mode where the contract fixes it, or has no seat for another', async () => {
    const fixed = await office.customer({ modeChanges: false });
    const one = await office.site(fixed.contract, { mode: 'development' });
    await assert.rejects(
      updateSite(office.deps)(OWNER, { id: one.site.id, mode: 'production' }),
      hasCode('MODE_FIXED'),
    );
    const full = await office.customer({ siteCaps: { production: 0, development: 1 } });
    const two = await office.site(full.contract, { mode: 'development' });
    await assert.rejects(
      updateSite(office.deps)(OWNER, { id: two.site.id, mode: 'production' }),
      hasCode('SITE_CAP_REACHED'),
    );
    await assert.rejects(
      updateSite(office.deps)(OWNER, { id: two.site.id, mode: 'recovery' }),
      hasCode('MODE_NOT_SOLD'),
    );
  });

  it('get their license by repeating the change when the authority was away', async () => {
    const { contract } = await office.customer();
    const { site } = await office.site(contract, { mode: 'development' });
    const working = office.issuing;
    office.issuing = () => Promise.reject(new Error('away'));
    await assert.rejects(updateSite(office.deps)(OWNER, { id: site.id, mode: 'production' }), /away/);
    office.issuing = working;
    const { license } = await updateSite(office.deps)(OWNER, { id: site.id, mode: 'production' });
    assert.deepEqual(claimsOf(license!.chain[0]!).modes, ['production']);
  });

  it('move to another contract of their enterprise and to none of another', async () => {
    const mine = await office.customer();
    const { site } = await office.site(mine.contract);
    const theirs = await office.customer();
    const foreign = updateSite(office.deps)(OWNER, { id: site.id, contract: theirs.contract.id });
    await assert.rejects(foreign, hasCode('CONTRACT_FOREIGN'));
  });

  it('suspended are not renewed, and reinstated they are', async () => {
    const { contract } = await office.customer();
    const { site, license } = await office.site(contract);
    const renew = renewLicense(office.deps);
    await suspendSite(office.deps)(OWNER, { id: site.id });
    assert.equal(await licenseStatus(license.serial), 'suspended');
    const csr = makeCsr();
    await assert.rejects(renew(siteActor(site), { predecessor: license.serial, csr }), hasCode('SITE_SUSPENDED'));
    await assert.rejects(suspendSite(office.deps)(OWNER, { id: site.id }), hasCode('TRANSITION_REFUSED'));
    await reinstateSite(office.deps)(OWNER, { id: site.id });
    assert.equal((await renew(siteActor(site), { predecessor: license.serial, csr })).fresh, true);
  });

  it('retired lose their licenses and give back seat and name', async () => {
    const { contract } = await office.customer({ siteCaps: { production: 1 } });
    const { site, license } = await office.site(contract, { name: 'phoenix' });
    await assert.rejects(office.site(contract, { name: 'other' }), hasCode('SITE_CAP_REACHED'));
    await retireSite(office.deps)(OWNER, { id: site.id });
    assert.equal(await licenseStatus(license.serial), 'revoked');
    const renewal = renewLicense(office.deps)(siteActor(site), { predecessor: license.serial, csr: makeCsr() });
    await assert.rejects(renewal, hasCode('SITE_RETIRED'));
    await office.site(contract, { name: 'phoenix' });
  });

  it('installed anew leave their old license behind, revoked', async () => {
    const { contract } = await office.customer();
    const { site, license } = await office.site(contract);
    const { token } = await createToken(office.deps)(OWNER, { site: site.id, options: {} });
    const other = await enrol(office.deps)({ token, csr: makeCsr() });
    assert.notEqual(claimsOf(other.chain[0]!).id, site.lineage);
    assert.equal(await licenseStatus(license.serial), 'revoked');
    const renewal = renewLicense(office.deps)(siteActor(site), { predecessor: license.serial, csr: makeCsr() });
    await assert.rejects(renewal, hasCode('SITE_RETIRED'));
  });

  it('installed anew leave a license behind that is revoked, also when it had come into its grace', async () => {
    const { contract } = await office.customer();
    const { site, license } = await office.site(contract);
    office.clock.set(new Date(license.notAfter.getTime() + 86_400_000));
    const { token } = await createToken(office.deps)(OWNER, { site: site.id, options: {} });
    await enrol(office.deps)({ token, csr: makeCsr() });
    assert.equal(await licenseStatus(license.serial), 'revoked');
  });

  it('are not renewed while their contract is suspended', async () => {
    const { contract } = await office.customer();
    const { site, license } = await office.site(contract);
    await suspendContract(office.deps)(OWNER, { id: contract.id });
    const renewal = renewLicense(office.deps)(siteActor(site), { predecessor: license.serial, csr: makeCsr() });
    await assert.rejects(renewal, hasCode('CONTRACT_SUSPENDED'));
  });

  it('have their licenses held, released and revoked in the journal when they are answered', async () => {
    const { contract } = await office.customer();
    const { site, license } = await office.site(contract);
    await suspendSite(office.deps)(OWNER, { id: site.id });
    await reinstateSite(office.deps)(OWNER, { id: site.id });
    await retireSite(office.deps)(OWNER, { id: site.id });
    const lines = office.shop.signer.journal.flatMap(({ record }) =>
      record.type === 'revocation' && toHex(record.serial) === license.serial ? [record.event] : [],
    );
    assert.deepEqual(lines, ['held', 'reinstated', 'revoked']);
    const told: string[] = [];
    for (;;) {
      const claimed = await database.run('platform', (tx) => outbox.claim(tx, 'test', 100, 60));
      if (claimed.length === 0) break;
      for (const claim of claimed) {
        if (claim.event.payload['serial'] === license.serial) told.push(claim.event.type);
        await database.run('platform', (tx) => outbox.settle(tx, claim));
      }
    }
    const changes = ['suspended', 'reinstated', 'revoked'];
    const expected = changes.flatMap((one) => [`license.${one}`, `certificate.${one}`]);
    assert.deepEqual(told.filter((type) => type !== 'license.issued').toSorted(), expected.toSorted());
  });
});
