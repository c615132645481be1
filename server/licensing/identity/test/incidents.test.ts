import assert from 'node:assert/strict';
import { testDatabase, type TestDatabase } from '../../../persistence/test/test-database.ts';
import { incidents, renewalLooks } from '../../../persistence/identity/renewal.ts';
import { hasCode, Office, OWNER, siteActor, START } from '../../test/office.ts';
import { makeCsr } from '@licet/authority/workshop';
import { renewLicense } from '../../licenses/renew.ts';
import { createProduct } from '../../products/products.ts';
import { declareIncident, liftIncident } from '../declare-incident.ts';
import { createRenewalInfo, type RenewalInfo } from '../renewal-info.ts';

const HOUR = 3_600_000;
const WHY = 'The key is given up.';

describe('A renewal incident', () => {
  let database: TestDatabase;
  let office: Office;
  let ask: RenewalInfo;
  let transactions: number;
  before(async function () {
    database = await testDatabase(this);
    office = new Office(database);
    await office.open();
    const tiers = [{ rank: 20, code: 'gold', name: 'Gold' }];
    await createProduct(office.deps)(OWNER, { code: 'ink', name: 'Ink', catalog: { features: [], limits: [], tiers } });
    const counting = {
      run: (...given: Parameters<TestDatabase['run']>) => {
        transactions += 1;
        return database.run(...given);
      },
    } as TestDatabase;
    ask = createRenewalInfo({ transactions: counting, clock: office.clock, looks: renewalLooks });
  });
  after(() => database?.close());
  beforeEach(() => {
    office.clock.set(START);
    transactions = 0;
  });

  const declare = async (what: object) => {
    // Certificates are dated back: what was issued at this moment is older than the incident.
    office.clock.set(new Date(START.getTime() + HOUR));
    return declareIncident({ ...office.deps, incidents }, OWNER, { explanation: WHY, hours: 4, ...what });
  };
  const isMoved = async (serial: string) => (await ask(serial)).explanation === WHY;
  const row = async (serial: string) =>
    (await database.run({ organization: 'acme' }, (tx) => office.deps.stores.licenses.get(tx, serial)))!;

  /** Two licenses that differ in all by which they can be chosen. */
  async function two() {
    office.clock.set(START);
    const [mine, theirs] = [await office.customer(), await office.customer({ features: ['ink'], limits: [] })];
    const [one, other] = [await office.site(mine.contract), await office.site(theirs.contract)];
    return { mine, one: one.license.serial, other: other.license.serial };
  }
  const sets: Record<string, (given: Awaited<ReturnType<typeof two>>) => object | Promise<object>> = {
    'an enterprise': ({ mine }) => ({ enterprise: mine.enterprise.id }),
    'a contract': ({ mine }) => ({ contract: mine.contract.id }),
    'a product': () => ({ product: 'press' }),
    'an issuing key': async ({ one }) => ({ issuerKey: (await row(one)).issuerKey }),
    'a list of serials': ({ one }) => ({ serials: ['00ff', one] }),
    'all that is said together': ({ mine, one }) => ({
      enterprise: mine.enterprise.id,
      product: 'press',
      serials: [one],
    }),
  };
  for (const [what, chosenBy] of Object.entries(sets)) {
    it(`moves the licenses of ${what} into its time, and no others, until it is lifted`, async () => {
      const given = await two();
      const { id, endsAt } = await declare(await chosenBy(given));
      const { start, end, explanation } = await ask(given.one);
      assert.deepEqual([explanation, start >= office.clock.now(), end <= endsAt], [WHY, true, true]);
      assert.equal(await isMoved(given.other), false);
      assert.deepEqual(await ask(given.one), await ask(given.one), 'the same window whenever it asks');
      await liftIncident({ ...office.deps, incidents }, OWNER, id);
      assert.equal(await isMoved(given.one), false);
    });
  }

  it('is not about licenses that are issued after it', async () => {
    const { mine, one } = await two();
    const { id } = await declare({ enterprise: mine.enterprise.id });
    office.clock.set(new Date(START.getTime() + 2 * HOUR));
    const { license } = await office.site(mine.contract);
    assert.deepEqual([await isMoved(one), await isMoved(license.serial)], [true, false]);
    await liftIncident({ ...office.deps, incidents }, OWNER, id);
  });

  it('is over for a license as soon as it is renewed, although certificates are dated back', async () => {
    office.clock.set(START);
    const { contract } = await office.customer();
    const { site, license } = await office.site(contract);
    const { id } = await declare({ contract: contract.id });
    assert.equal(await isMoved(license.serial), true);
    const next = await renewLicense(office.deps)(siteActor(site), { predecessor: license.serial, csr: makeCsr() });
    assert.ok(next.notBefore < office.clock.now());
    assert.equal(await isMoved(next.serial), false);
    await liftIncident({ ...office.deps, incidents }, OWNER, id);
  });

  it('still moves those who come after its end', async () => {
    const { mine, one } = await two();
    const { id } = await declare({ contract: mine.contract.id });
    office.clock.set(new Date(START.getTime() + 20 * 24 * HOUR));
    assert.equal(await isMoved(one), true);
    await liftIncident({ ...office.deps, incidents }, OWNER, id);
  });

  it('is refused where it names nothing, or what is not there', async () => {
    await assert.rejects(declare({}), hasCode('INCIDENT_TOO_WIDE'));
    await assert.rejects(declare({ contract: 'none' }), hasCode('CONTRACT_NOT_FOUND'));
    await assert.rejects(declare({ product: 'none' }), hasCode('PRODUCT_NOT_FOUND'));
    await assert.rejects(declare({ serials: ['xyz'] }), hasCode('INPUT_INVALID'));
  });

  it('is looked for together with the license, once for all who ask at a time', async () => {
    const { one, other } = await two();
    transactions = 0;
    await Promise.all(Array.from({ length: 200 }, (_, i) => ask(i % 2 === 0 ? one : other)));
    assert.equal(transactions, 1);
    await assert.rejects(ask('00ff'), hasCode('LICENSE_NOT_FOUND'));
    await assert.rejects(ask('no serial'), hasCode('LICENSE_NOT_FOUND'));
    assert.equal(transactions, 2);
  });
});
