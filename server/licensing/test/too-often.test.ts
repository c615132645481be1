import assert from 'node:assert/strict';
import { makeCsr } from '@licet/authority/workshop';
import { testDatabase, type TestDatabase } from '../../persistence/test/test-database.ts';
import { renewLicense } from '../licenses/renew.ts';
import { MOST_A_DAY } from '../licenses/too-often.ts';
import { changeOrganization } from '../organizations/organizations.ts';
import { hasCode, Office, OWNER, siteActor, START } from './office.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

describe('A renewal without need', () => {
  let database: TestDatabase;
  let office: Office;
  let renew: ReturnType<typeof renewLicense>;
  before(async function () {
    database = await testDatabase(this);
    office = new Office(database);
    await office.open();
    renew = renewLicense(office.deps);
  });
  after(() => database?.close());
  beforeEach(() => office.clock.set(START));

  const fresh = async () => office.site((await office.customer()).contract);

  it('is not granted more often than so many times a day, and goes on as that day goes by', async () => {
    const { site, license } = await fresh();
    const ask = (predecessor: string) => renew(siteActor(site), { predecessor, csr: makeCsr() });
    let serial = license.serial;
    for (let count = 1; count < MOST_A_DAY; count += 1) {
      office.clock.advance(HOUR / 4);
      ({ serial } = await ask(serial));
    }
    const last = makeCsr();
    const again = () => renew(siteActor(site), { predecessor: serial, csr: last });
    await assert.rejects(again(), hasCode('RENEWED_TOO_OFTEN'));
    await assert.rejects(again(), { kind: 'too-many', retryAfterSeconds: 3600 });
    office.clock.set(new Date(START.getTime() + DAY));
    serial = (await again()).serial;
    await assert.rejects(ask(serial), hasCode('RENEWED_TOO_OFTEN'));
    office.clock.advance(HOUR / 4);
    await ask(serial);
  });

  it('is not granted to a clone either, where that gets licenses', async () => {
    await changeOrganization(office.deps)(OWNER, { settings: { onFork: 'alarm' } });
    const { site, license } = await fresh();
    const ask = () => renew(siteActor(site), { predecessor: license.serial, csr: makeCsr() });
    for (let count = 1; count < MOST_A_DAY; count += 1) await ask();
    await assert.rejects(ask(), hasCode('RENEWED_TOO_OFTEN'));
    office.clock.advance(5 * DAY);
    for (let count = 0; count < MOST_A_DAY; count += 1) await ask();
    await assert.rejects(ask(), hasCode('RENEWED_TOO_OFTEN'));
  });

  it('counts nothing of a time when the clock was ahead', async () => {
    const { site, license } = await fresh();
    let { serial } = license;
    const ask = async () => ({ serial } = await renew(siteActor(site), { predecessor: serial, csr: makeCsr() }));
    office.clock.advance(20 * DAY);
    for (let count = 1; count < MOST_A_DAY; count += 1) await ask();
    office.clock.set(new Date(START.getTime() + HOUR));
    await ask();
  });
});
