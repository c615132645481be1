import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { makeCsr } from '@licet/authority/workshop';
import { extension } from '@licet/format';
import { sql } from '../../persistence/database.ts';
import { testDatabase, type TestDatabase } from '../../persistence/test/test-database.ts';
import { decideEnrolment } from '../enrolment/approval.ts';
import { createToken } from '../enrolment/create-token.ts';
import { enrol } from '../enrolment/enrol.ts';
import { issueByHand } from '../enrolment/issue-by-hand.ts';
import { LicetError } from '../errors.ts';
import { claimsOf } from '../licenses/claims-of.ts';
import { revokeLicense } from '../licenses/change-status.ts';
import { renewLicense } from '../licenses/renew.ts';
import type { LicenseOrder } from '../ports/issuance.ts';
import { createSite } from '../sites/create-site.ts';
import { reinstateSite, retireSite, suspendSite } from '../sites/site-life.ts';
import { hasCode, Office, OWNER, siteActor, START } from './office.ts';

const DAY = 86_400_000;

describe('A one-time token', () => {
  let database: TestDatabase;
  let office: Office;
  let working: Office['issuing'];
  before(async function () {
    database = await testDatabase(this);
    office = new Office(database);
    working = office.issuing;
    await office.open();
  });
  after(() => database?.close());
  beforeEach(() => {
    office.clock.set(START);
    office.issuing = working;
  });

  const own = <T>(
    look: (stores: Office['deps']['stores'], tx: Parameters<Parameters<typeof database.run>[1]>[0]) => T,
  ) => database.run({ organization: 'acme' }, async (tx) => look(office.deps.stores, tx));
  const statusOf = async (serial: string) => (await own((stores, tx) => stores.licenses.get(tx, serial)))?.status;
  const use = (token: string, csr: Uint8Array) => enrol(office.deps)({ token, csr });
  const renew = (site: { id: string; enterprise: string }, predecessor: string) =>
    renewLicense(office.deps)(siteActor(site), { predecessor, csr: makeCsr() });
  const revoke = (serial: string, reason: 'keyCompromise' | 'superseded') =>
    revokeLicense(office.deps)(OWNER, { serial, reason });
  const away = () =>
    Promise.reject(new LicetError('unavailable', 'SIGNER_UNAVAILABLE', 'Away.', { retryAfterSeconds: 2 }));

  /** A site with a token for it, which is there or not yet. */
  async function kit(options: object = {}) {
    const { contract } = await office.customer();
    const name = 'plant';
    const { site, enrolment } = await createSite(office.deps)(OWNER, {
      contract: contract.id,
      name,
      mode: 'production',
      token: options,
    });
    return { contract, site, token: enrolment!.token, id: enrolment!.id };
  }
  const tokenFor = async ({ id }: { id: string }) =>
    (await createToken(office.deps)(OWNER, { site: id, options: {} })).token;
  async function installed() {
    const { site, token, id } = await kit();
    const csr = makeCsr();
    const license = await use(token, csr);
    return { site, token, id, csr, license };
  }
  const forged = () => {
    const der = Uint8Array.from(makeCsr());
    der[der.length - 1]! ^= 1;
    return der;
  };
  const siteNow = async ({ id }: { id: string }) => (await own((stores, tx) => stores.sites.get(tx, id)))!;

  describe('that was used only finds what came of it:', () => {
    it('the license itself, also when that was renewed, as long as it is good', async () => {
      const { site, token, csr, license } = await installed();
      const { serial } = await renew(site, license.serial);
      assert.equal((await use(token, csr)).serial, license.serial);
      office.clock.set(license.notAfter);
      office.clock.advance(1000);
      await assert.rejects(use(token, csr), hasCode('TOKEN_USED'));
      assert.equal((await own((stores, tx) => stores.licenses.lineage(tx, site.lineage)))?.head, serial);
    });

    it('nothing when it was revoked, neither before nor after its end', async () => {
      const { token, csr, license } = await installed();
      await revoke(license.serial, 'superseded');
      await assert.rejects(use(token, csr), hasCode('LICENSE_REVOKED'));
      office.clock.set(new Date(START.getTime() + 31 * DAY));
      await assert.rejects(use(token, csr), hasCode('LICENSE_REVOKED'));
      office.clock.set(new Date(START.getTime() + 400 * DAY));
      await assert.rejects(use(token, csr), hasCode('TOKEN_USED'));
    });

    it('nothing new for a lineage that was forked', async () => {
      const { site, token, csr, license } = await installed();
      await renew(site, license.serial);
      await assert.rejects(renew(site, license.serial), hasCode('CLONE_SUSPECTED'));
      office.clock.set(new Date(START.getTime() + 31 * DAY));
      await assert.rejects(use(token, csr), hasCode('TOKEN_USED'));
    });

    it('and so does the request that made its site', async () => {
      const { contract } = await office.customer();
      const order = { contract: contract.id, name: 'made', mode: 'production', csr: makeCsr() } as const;
      const { site, license } = await createSite(office.deps)(OWNER, order);
      await renew(site, license!.serial);
      assert.equal((await createSite(office.deps)(OWNER, order)).license?.serial, license!.serial);
      office.clock.set(new Date(START.getTime() + 31 * DAY));
      await assert.rejects(createSite(office.deps)(OWNER, order), hasCode('SITE_EXISTS'));
    });

    it('the license of the key, for whatever request it is asked with', async () => {
      const { token } = await kit();
      const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const all = await Promise.allSettled(Array.from({ length: 50 }, () => use(token, makeCsr('P-256', { keys }))));
      const serials = new Set(all.flatMap((one) => (one.status === 'fulfilled' ? [one.value.serial] : [])));
      const asksAgain = ['ENROLMENT_UNDER_WAY', 'DATABASE_BUSY'];
      for (const one of all) if (one.status === 'rejected') assert.ok(asksAgain.includes(one.reason.code), one.reason);
      assert.equal(serials.size, 1);
      assert.ok(serials.has((await use(token, makeCsr('P-256', { keys }))).serial));
    });
  });

  it('has a first license ordered once, whatever its use case has seen before', async () => {
    const orders: LicenseOrder[] = [];
    office.issuing = (order) => {
      orders.push(order);
      return working(order);
    };
    const { token, license } = await installed();
    const [order] = orders;
    await assert.rejects(working({ ...order!, key: { csr: makeCsr() } }), hasCode('ENROLMENT_UNDER_WAY'));
    assert.equal((await working(order!)).serial, license.serial, 'this very request is answered again');
    office.clock.set(new Date(START.getTime() + 31 * DAY));
    await assert.rejects(working(order!), hasCode('ENROLMENT_UNDER_WAY'));
    assert.ok(token);
  });

  it('may go on with a use that came to nothing, a day longer than it lives and not for ever', async () => {
    const { token } = await kit({ lifetime: 60 });
    const csr = makeCsr();
    office.issuing = away;
    await assert.rejects(use(token, csr), hasCode('SIGNER_UNAVAILABLE'));
    office.clock.set(new Date(START.getTime() + DAY));
    await assert.rejects(use(token, csr), hasCode('TOKEN_EXPIRED'));
    office.clock.set(new Date(START.getTime() + DAY - 1000));
    office.issuing = working;
    assert.equal((await use(token, csr)).fresh, true);
  });

  describe('is not armed again by a repetition that fails:', () => {
    it('after its key was revoked as compromised', async () => {
      const { token, csr, license } = await installed();
      await revoke(license.serial, 'keyCompromise');
      await assert.rejects(use(token, csr), hasCode('LICENSE_REVOKED'));
      await assert.rejects(use(token, makeCsr()), hasCode('TOKEN_USED'));
    });

    it('after its site was installed anew on another machine', async () => {
      const { site, token, csr } = await installed();
      const second = await use(await tokenFor(site), makeCsr());
      await assert.rejects(use(token, csr), hasCode('LICENSE_REVOKED'));
      await assert.rejects(use(token, makeCsr()), hasCode('TOKEN_USED'));
      assert.equal(await statusOf(second.serial), 'current');
    });

    it('in the store itself', async () => {
      const { token, id, csr } = await installed();
      // As one that was on its way when the license was not there yet.
      office.issuing = () => Promise.reject(new LicetError('conflict', 'KEY_REUSED', 'Make a new key.'));
      const deps = { ...office.deps, stores: { ...office.deps.stores, licenses: { ...office.deps.stores.licenses } } };
      deps.stores.licenses.lineage = () => Promise.resolve(undefined);
      await assert.rejects(enrol(deps)({ token, csr }), hasCode('KEY_REUSED'));
      assert.ok((await own((stores, tx) => stores.tokens.get(tx, id)))?.key, 'it stays used');
    });
  });

  describe('that wants a person to agree', () => {
    const agreed = (id: string) => decideEnrolment(office.deps)(OWNER, { id, decision: 'given' });
    const isOpen = async (id: string) => (await own((stores, tx) => stores.tokens.get(tx, id)))?.asked === undefined;
    const keys = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

    for (const [code, request] of [
      ['SUBJECT_MISMATCH', () => makeCsr('P-256', { name: 'host.globex.example' })],
      ['CSR_SIGNATURE', forged],
      [
        'KEY_REUSED',
        async () => {
          const csr = makeCsr();
          await office.site((await office.customer()).contract, { csr });
          return csr;
        },
      ],
      ['KEY_WEAK', () => makeCsr('RSA-3072', { keys: generateKeyPairSync('rsa', { modulusLength: 1024 }) })],
    ] as [string, () => Uint8Array | Promise<Uint8Array>][]) {
      it(`asks nobody about a request that is refused with ${code}`, async () => {
        const { token, id } = await kit({ approval: true });
        await assert.rejects(use(token, await request()), hasCode(code));
        assert.ok(await isOpen(id));
        const csr = makeCsr();
        await assert.rejects(use(token, csr), hasCode('ENROLMENT_PENDING'));
        await agreed(id);
        assert.equal((await use(token, csr)).fresh, true);
      });
    }

    it('asks nobody about a machine with fewer fingerprints than the contract demands', async () => {
      const { contract } = await office.customer({ bindingNeed: 2 });
      const wanted = { contract: contract.id, name: 'bound', mode: 'production', options: { approval: true } } as const;
      const { token, id } = await createToken(office.deps)(OWNER, wanted);
      await assert.rejects(use(token, makeCsr()), hasCode('BINDING_NEEDED'));
      assert.ok(await isOpen(id));
    });

    it('asks nobody about a key that cannot come again', async () => {
      const { token, id } = await kit({ approval: true });
      await assert.rejects(enrol(office.deps)({ token, csr: makeCsr(), mayWait: false }), hasCode('ENROLMENT_PENDING'));
      assert.ok(await isOpen(id));
    });

    it('hears the word with another request for its key, and under the name that was asked about', async () => {
      const { contract } = await office.customer();
      const wanted = { contract: contract.id, mode: 'production', options: { approval: true } } as const;
      const { token, id } = await createToken(office.deps)(OWNER, wanted);
      const pair = keys();
      const ask = (name: string) => enrol(office.deps)({ token, csr: makeCsr('P-256', { keys: pair, name }), name });
      await assert.rejects(ask('asked'), hasCode('ENROLMENT_PENDING'));
      await assert.rejects(ask('asked'), hasCode('ENROLMENT_PENDING'));
      await agreed(id);
      await assert.rejects(ask('other'), hasCode('SUBJECT_MISMATCH'));
      const license = await ask('asked');
      assert.equal((await ask('asked')).serial, license.serial);
    });
  });

  it('is not made or taken for a site of builds, whose license could not be renewed', async () => {
    const { site, token } = await kit();
    await database.run('platform', (tx) => sql(tx).query('update sites set trust_rule = id where id = $1', [site.id]));
    await assert.rejects(tokenFor(site), hasCode('SITE_OF_BUILDS'));
    await assert.rejects(use(token, makeCsr()), hasCode('SITE_OF_BUILDS'));
    await assert.rejects(issueByHand(office.deps)(OWNER, { site: site.id, csr: makeCsr() }), hasCode('SITE_OF_BUILDS'));
    const { contract, name, mode } = site;
    const named = await createToken(office.deps)(OWNER, { contract, name, mode, options: {} });
    await assert.rejects(use(named.token, makeCsr()), hasCode('SITE_EXISTS'));
  });

  describe('for a site that runs', () => {
    const keepsWhatItHad = async (site: { id: string; enterprise: string; lineage: string }, serial: string) => {
      assert.equal(await statusOf(serial), 'current');
      assert.equal((await siteNow(site)).lineage, site.lineage);
      assert.equal((await renew(site, serial)).fresh, true);
    };
    for (const [code, request] of [
      ['KEY_REUSED', (csr) => csr],
      ['CSR_SIGNATURE', forged],
      ['CSR_ASKS_FOR_CA', () => makeCsr('P-256', { extensions: [extension.basicConstraints({ ca: true })] })],
    ] as [string, (csr: Uint8Array) => Uint8Array][]) {
      it(`takes nothing from it when it is refused with ${code}, and is good still`, async () => {
        const { site, csr, license } = await installed();
        const again = await tokenFor(site);
        await assert.rejects(use(again, request(csr)), hasCode(code));
        await keepsWhatItHad(site, license.serial);
        assert.equal((await use(again, makeCsr())).fresh, true);
      });
    }

    it('takes nothing from it while the authority is away', async () => {
      const { site, license } = await installed();
      office.issuing = away;
      await assert.rejects(use(await tokenFor(site), makeCsr()), hasCode('SIGNER_UNAVAILABLE'));
      office.issuing = working;
      await keepsWhatItHad(site, license.serial);
    });

    it('installs it anew with the license, and ends what was there before', async () => {
      const { site, license } = await installed();
      const [token, csr] = [await tokenFor(site), makeCsr()];
      const request = { token, csr, fingerprints: ['a', 'b'] };
      const other = await enrol(office.deps)(request);
      const { lineage, fingerprints } = await siteNow(site);
      assert.equal(claimsOf(other.chain[0]!).id, lineage);
      assert.deepEqual(claimsOf(other.chain[0]!).binding?.digests, fingerprints);
      assert.equal(await statusOf(license.serial), 'revoked');
      assert.equal((await renew(site, other.serial)).fresh, true);
      assert.equal((await enrol(office.deps)(request)).serial, other.serial);
    });

    it('is only answered when what was there before has ended, and goes on there after a crash', async () => {
      const { site, license } = await installed();
      const [token, csr] = [await tokenFor(site), makeCsr()];
      office.issuing = async (order) => {
        await working(order);
        throw new Error('crash');
      };
      await assert.rejects(use(token, csr), /crash/);
      assert.equal(await statusOf(license.serial), 'current');
      office.issuing = working;
      const other = await use(token, csr);
      assert.equal(await statusOf(license.serial), 'revoked');
      assert.equal((await siteNow(site)).lineage, claimsOf(other.chain[0]!).id);
    });

    it('is of no use any more when another has installed it', async () => {
      const { site } = await installed();
      const [late, csr] = [await tokenFor(site), makeCsr()];
      office.issuing = away;
      await assert.rejects(use(late, csr), hasCode('SIGNER_UNAVAILABLE'));
      office.issuing = working;
      const second = await use(await tokenFor(site), makeCsr());
      await assert.rejects(use(late, csr), hasCode('TOKEN_USED'));
      await assert.rejects(use(late, makeCsr()), hasCode('TOKEN_USED'));
      assert.equal(await statusOf(second.serial), 'current');
    });

    it('shares what becomes of it meanwhile', async () => {
      const { site, license } = await installed();
      const [token, csr] = [await tokenFor(site), makeCsr()];
      let serial = '';
      office.issuing = async (order) => {
        await suspendSite(office.deps)(OWNER, { id: site.id });
        const made = await working(order);
        serial = made.serial;
        return made;
      };
      await assert.rejects(use(token, csr), hasCode('SITE_NOT_LIVE'));
      assert.deepEqual([await statusOf(license.serial), await statusOf(serial)], ['suspended', 'suspended']);
      await reinstateSite(office.deps)(OWNER, { id: site.id });
      assert.equal((await use(token, csr)).serial, serial);
      assert.deepEqual([await statusOf(license.serial), await statusOf(serial)], ['revoked', 'current']);
      await retireSite(office.deps)(OWNER, { id: site.id });
      assert.equal(await statusOf(serial), 'revoked');
    });
  });
});
