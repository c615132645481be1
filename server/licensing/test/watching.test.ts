import assert from 'node:assert/strict';
import { makeCsr } from '@licet/authority/workshop';
import { encodePem } from '@licet/format';
import { sql } from '../../persistence/database.ts';
import { testDatabase, type TestDatabase } from '../../persistence/test/test-database.ts';
import { acknowledgeAlert, reportAlert, resolveAlert } from '../alerts/alerts.ts';
import { createToken } from '../enrolment/create-token.ts';
import { enrol } from '../enrolment/enrol.ts';
import { renewLicense } from '../licenses/renew.ts';
import { validateLicense } from '../licenses/validate.ts';
import { tellEndingContracts, tellExpiring, tellOverdueReports, tellRecovered } from '../notices/notices.ts';
import { changeContract } from '../contracts/contracts.ts';
import { closeEnterprise } from '../enterprises/enterprises.ts';
import { reinstateSite, retireSite, suspendSite } from '../sites/site-life.ts';
import { aggregateUsage, reportUsage } from '../usage/usage.ts';
import { quarterOf, textOfQuarter } from '../usage/quarter.ts';
import { hasCode, Office, OWNER, siteActor, START } from './office.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const uuid = () => crypto.randomUUID();

describe('Watching over licenses', () => {
  let database: TestDatabase;
  let office: Office;
  before(async function () {
    database = await testDatabase(this);
    office = new Office(database);
    await office.open();
  });
  after(() => database?.close());
  beforeEach(() => office.clock.set(START));

  const events = async (type: string, key: string, value: string) =>
    (
      await database.run('platform', (tx) =>
        sql(tx).query<{ payload: Record<string, unknown> }>(
          'select payload from outbox_events where type = $1 and payload ->> $2 = $3 order by position',
          [type, key, value],
        ),
      )
    ).map(({ payload }) => payload);
  const drained = async (job: () => Promise<number>) => {
    while ((await job()) > 0);
  };
  const at = (ms: number) => office.clock.set(new Date(START.getTime() + ms));

  describe('tells of', () => {
    it('a license at each fraction of its life, and of its end, once', async () => {
      const { site, license } = await office.site((await office.customer()).contract);
      const life = license.notAfter.getTime() - license.notBefore.getTime();
      for (const fraction of [0.5, 0.749, 0.75, 0.76, 0.9, 1.1]) {
        office.clock.set(new Date(license.notBefore.getTime() + life * fraction));
        await Promise.all([drained(() => tellExpiring(office.deps)), drained(() => tellExpiring(office.deps))]);
      }
      const told = (await events('license.expiring', 'site', site.id)).map(({ life: part }) => part);
      assert.deepEqual(told, [0.75, 0.875]);
      assert.equal((await events('license.expired', 'site', site.id)).length, 1);
    });

    it('no license that was made for a day: a build takes a new one each time', async () => {
      const { site, license } = await office.site((await office.customer()).contract);
      await database.run('platform', (tx) =>
        sql(tx).query(`update licenses set not_after = not_before + interval '1 day' where serial = $1`, [
          license.serial,
        ]),
      );
      at(2 * DAY);
      await drained(() => tellExpiring(office.deps));
      assert.equal((await events('license.expired', 'site', site.id)).length, 0);
    });

    it('trouble that is over by itself: a license again, a report that came, a site that is retired', async () => {
      const { contract } = await office.customer({ reporting: { every: 86_400, required: true } });
      const [renewed, retired] = [await office.site(contract), await office.site(contract)];
      const resolved = async ({ site }: typeof renewed) => {
        await drained(() => tellRecovered(office.deps));
        return (await events('alert.resolved', 'site', site.id))
          .map(({ kind }) => String(kind))
          .toSorted((a, b) => a.localeCompare(b));
      };
      at(31 * DAY);
      await drained(() => tellExpiring(office.deps));
      await drained(() => tellOverdueReports(office.deps));
      assert.deepEqual([await resolved(renewed), await resolved(retired)], [[], []]);
      const { serial: predecessor } = renewed.license;
      await renewLicense(office.deps)(siteActor(renewed.site), { predecessor, csr: makeCsr() });
      assert.deepEqual(await resolved(renewed), ['license-expired']);
      at(31 * DAY + HOUR);
      const period = { from: START, to: office.clock.now() };
      await reportUsage(office.deps)(siteActor(renewed.site), { site: renewed.site.id, id: uuid(), ...period });
      await retireSite(office.deps)(OWNER, { id: retired.site.id });
      assert.deepEqual(await resolved(renewed), ['license-expired', 'report-overdue']);
      assert.deepEqual(await resolved(retired), ['license-expired', 'report-overdue']);
    });

    it('a clone that is over since its site was installed anew', async () => {
      const { site, license } = await office.site((await office.customer()).contract);
      const renew = () => renewLicense(office.deps)(siteActor(site), { predecessor: license.serial, csr: makeCsr() });
      await renew();
      await assert.rejects(renew(), hasCode('CLONE_SUSPECTED'));
      await drained(() => tellRecovered(office.deps));
      assert.equal((await events('alert.resolved', 'site', site.id)).length, 0);
      const { token } = await createToken(office.deps)(OWNER, { site: site.id, options: {} });
      await enrol(office.deps)({ token, csr: makeCsr() });
      await drained(() => tellRecovered(office.deps));
      assert.equal((await events('alert.resolved', 'site', site.id)).length, 1);
    });

    it('no license that was renewed', async () => {
      const { site, license } = await office.site((await office.customer()).contract);
      at(18 * DAY);
      await renewLicense(office.deps)(siteActor(site), { predecessor: license.serial, csr: makeCsr() });
      at(29 * DAY);
      await drained(() => tellExpiring(office.deps));
      assert.equal((await events('license.expiring', 'serial', license.serial)).length, 0);
    });

    it('the end of a contract at each threshold, once, and anew when it was extended', async () => {
      const { contract } = await office.customer();
      const days = async () =>
        (await events('contract.ending', 'subject', `contract:${contract.id}`)).map((event) => event['days']);
      const end = contract.endsAt.getTime();
      for (const before of [100, 90, 89, 60, 20, 7, 6.5, 0.9, -1]) {
        office.clock.set(new Date(end - before * DAY));
        await Promise.all([
          drained(() => tellEndingContracts(office.deps)),
          drained(() => tellEndingContracts(office.deps)),
        ]);
      }
      assert.deepEqual(await days(), [90, 60, 30, 7, 1]);
      await changeContract(office.deps)(OWNER, { id: contract.id, term: { ...contract.term, lastDay: '2028-01-20' } });
      await drained(() => tellEndingContracts(office.deps));
      assert.deepEqual((await days()).slice(5), [30]);
    });

    it('a report that did not come, once, and of the next that does not', async () => {
      const { contract } = await office.customer({ reporting: { every: 86_400, required: true } });
      const { site } = await office.site(contract);
      const overdue = async () => {
        await drained(() => tellOverdueReports(office.deps));
        return (await events('site.report-overdue', 'site', site.id)).length;
      };
      at(DAY - 1000);
      assert.equal(await overdue(), 0);
      at(DAY + 1000);
      assert.equal(await overdue(), 1);
      assert.equal(await overdue(), 1);
      const period = { from: START, to: office.clock.now() };
      await reportUsage(office.deps)(siteActor(site), { site: site.id, id: uuid(), ...period });
      assert.equal(await overdue(), 1);
      at(3 * DAY);
      assert.equal(await overdue(), 2);
      await retireSite(office.deps)(OWNER, { id: site.id });
    });
  });

  describe('hears of use:', () => {
    const hour = { from: new Date(START.getTime() - HOUR), to: START };
    const setUp = async () => office.site((await office.customer()).contract, { shares: { machines: 3 } });

    it('the same report again is the same, and another with its id is refused', async () => {
      const { site } = await setUp();
      const report = { site: site.id, id: uuid(), ...hour, users: { operator: 2 } };
      assert.deepEqual(await reportUsage(office.deps)(siteActor(site), report), { repeated: false });
      assert.deepEqual(await reportUsage(office.deps)(siteActor(site), report), { repeated: true });
      const other = reportUsage(office.deps)(siteActor(site), { ...report, users: { operator: 3 } });
      await assert.rejects(other, hasCode('REPORT_CONFLICT'));
    });

    it('exactly what is licensed is within the limit, and one more is over it, once', async () => {
      const { site } = await setUp();
      const report = (machines: number) =>
        reportUsage(office.deps)(siteActor(site), { site: site.id, id: uuid(), ...hour, usage: { machines } });
      await report(3);
      assert.equal((await events('limit.exceeded', 'site', site.id)).length, 0);
      await report(4);
      await report(5);
      assert.deepEqual(
        (await events('limit.exceeded', 'site', site.id)).map(({ used, max }) => [used, max]),
        [[4, 3]],
      );
      assert.equal((await events('alert.opened', 'site', site.id)).length, 1);
    });

    it('periods that cannot be are refused', async () => {
      const { site } = await setUp();
      const report = (from: Date, to: Date) =>
        reportUsage(office.deps)(siteActor(site), { site: site.id, id: uuid(), from, to });
      await assert.rejects(report(START, START), hasCode('PERIOD_INVALID'));
      await assert.rejects(report(START, new Date(START.getTime() + HOUR)), hasCode('PERIOD_INVALID'));
      await assert.rejects(report(new Date(START.getTime() - 401 * DAY), START), hasCode('PERIOD_INVALID'));
    });

    it('a site reports for itself alone', async () => {
      const [a, b] = [await setUp(), await setUp()];
      const foreign = reportUsage(office.deps)(siteActor(a.site), { site: b.site.id, id: uuid(), ...hour });
      await assert.rejects(foreign, hasCode('SITE_NOT_FOUND'));
    });

    it('sites and users add up by enterprise and mode, each site with its peak', async () => {
      const { contract, enterprise } = await office.customer();
      const [a, b, c] = [
        await office.site(contract),
        await office.site(contract),
        await office.site(contract, { mode: 'development' }),
      ];
      for (const [one, operators] of [
        [a, 4],
        [a, 6],
        [a, 5],
        [b, 10],
        [c, 1],
      ] as const) {
        await reportUsage(office.deps)(OWNER, {
          site: one.site.id,
          id: uuid(),
          ...hour,
          users: { operator: operators },
        });
      }
      const { rows } = await aggregateUsage(office.deps)(OWNER, { quarter: '2026-Q4', enterprise: enterprise.id });
      assert.deepEqual(
        rows.map(({ mode, sites, reporting, users }) => ({ mode, sites, reporting, users })),
        [
          { mode: 'development', sites: 1, reporting: 1, users: { operator: 1 } },
          { mode: 'production', sites: 2, reporting: 2, users: { operator: 16 } },
        ],
      );
      const none = await aggregateUsage(office.deps)(OWNER, { quarter: '2026-Q2', enterprise: enterprise.id });
      assert.deepEqual(none.rows, []);
      const mine = { ...OWNER, enterprise: (await office.customer()).enterprise.id };
      assert.deepEqual((await aggregateUsage(office.deps)(mine, { quarter: '2026-Q4' })).rows, []);
      await assert.rejects(
        aggregateUsage(office.deps)(mine, { quarter: '2026-Q4', enterprise: enterprise.id }),
        hasCode('ENTERPRISE_NOT_FOUND'),
      );
      await assert.rejects(aggregateUsage(office.deps)(OWNER, { quarter: '2026-Q5' }), hasCode('INPUT_INVALID'));
    });

    it('quarters meet without a gap', () => {
      assert.deepEqual(quarterOf('2026-Q4').to, quarterOf('2027-Q1').from);
      assert.equal(textOfQuarter(quarterOf('2026-Q4').from), '2026-Q4');
      assert.equal(textOfQuarter(new Date(quarterOf('2026-Q4').to.getTime() - 1)), '2026-Q4');
    });
  });

  it('keeps one alert for one trouble until it is resolved', async () => {
    const { site, license } = await office.site((await office.customer()).contract);
    const report = () =>
      reportAlert(office.deps)(OWNER, { kind: 'license-invalid', serial: license.serial, codes: ['BINDING_MISMATCH'] });
    const first = await report();
    assert.deepEqual([first.site, first.status, first.count], [site.id, 'open', 1]);
    assert.deepEqual([(await report()).id, (await report()).count], [first.id, 3]);
    await acknowledgeAlert(office.deps)(OWNER, { id: first.id });
    assert.equal((await report()).status, 'acknowledged');
    await resolveAlert(office.deps)(OWNER, { id: first.id });
    await assert.rejects(acknowledgeAlert(office.deps)(OWNER, { id: first.id }), hasCode('TRANSITION_REFUSED'));
    assert.notEqual((await report()).id, first.id);
    const other = { ...OWNER, enterprise: uuid() };
    await assert.rejects(resolveAlert(office.deps)(other, { id: first.id }), hasCode('ALERT_NOT_FOUND'));
    const unknown = await reportAlert(office.deps)(other, {
      kind: 'license-invalid',
      serial: license.serial.replace(/^../, 'ff'),
      codes: ['MALFORMED'],
    });
    assert.equal(unknown.site, undefined);
  });

  it('keeps what one enterprise says of a serial apart from what its owner says', async () => {
    const { site, license } = await office.site((await office.customer()).contract);
    const report = (who: typeof OWNER, code: string) =>
      reportAlert(office.deps)(who, { kind: 'license-invalid', serial: license.serial, codes: [code] });
    const theirs = await report({ ...OWNER, enterprise: uuid() }, 'MALFORMED');
    const own = await report(OWNER, 'BINDING_MISMATCH');
    assert.notEqual(own.id, theirs.id);
    assert.deepEqual([own.enterprise, own.site, own.count], [site.enterprise, site.id, 1]);
    assert.equal((await report({ ...OWNER, enterprise: site.enterprise }, 'EXPIRED')).id, own.id);
    const again = await report({ ...OWNER, enterprise: theirs.enterprise }, 'MALFORMED');
    assert.deepEqual([again.id, again.count], [theirs.id, 2]);
  });

  describe('judges', () => {
    const pem = (chain: readonly Uint8Array[]) => chain.map((der) => encodePem('CERTIFICATE', der)).join('');
    const codes = (verdict: { codes: readonly { code: string }[] }) => verdict.codes.map(({ code }) => code);
    const validate = (input: object) => validateLicense(office.deps)(OWNER, input as { serial: string });
    const revocationOf = async (serial: string) => {
      const [row] = await database.run('platform', (tx) =>
        sql(tx).query<{ reason: number }>(`select reason from revocations where serial = decode($1, 'hex')`, [serial]),
      );
      return row?.reason === 6 ? 'held' : row && 'revoked';
    };

    it('a good license as good, shown, by serial and by site, long after it was issued', async () => {
      const { site, license } = await office.site((await office.customer()).contract);
      at(14 * DAY);
      for (const input of [{ license: pem(license.chain) }, { serial: license.serial }, { site: site.id }]) {
        const verdict = await validate({ ...input, product: 'press' });
        assert.deepEqual([verdict.usable, verdict.state, codes(verdict)], [true, 'valid', ['VALID']]);
      }
    });

    it('one that is suspended, reinstated, revoked', async () => {
      const { site, license } = await office.site((await office.customer()).contract);
      const { serial } = license;
      await suspendSite(office.deps)(OWNER, { id: site.id });
      assert.deepEqual(
        [(await validate({ serial })).state, codes(await validate({ serial }))[0]],
        ['restricted', 'SUSPENDED'],
      );
      await reinstateSite(office.deps)(OWNER, { id: site.id });
      assert.equal((await validate({ serial })).usable, true);
      await retireSite(office.deps)(OWNER, { id: site.id });
      assert.deepEqual(
        [(await validate({ serial })).state, codes(await validate({ serial }))[0]],
        ['invalid', 'REVOKED'],
      );
    });

    it('one whose site is suspended, reinstated or retired when it has expired and is in its grace', async () => {
      const { site, license } = await office.site((await office.customer()).contract);
      const answer = async () => {
        const { usable, codes: found } = await validate({ serial: license.serial });
        return [usable, found[0]?.code];
      };
      at(31 * DAY);
      assert.deepEqual(await answer(), [true, 'IN_GRACE']);
      await suspendSite(office.deps)(OWNER, { id: site.id });
      assert.deepEqual(await answer(), [false, 'SUSPENDED']);
      assert.equal(await revocationOf(license.serial), 'held');
      await reinstateSite(office.deps)(OWNER, { id: site.id });
      assert.deepEqual(await answer(), [true, 'IN_GRACE']);
      await retireSite(office.deps)(OWNER, { id: site.id });
      assert.deepEqual(await answer(), [false, 'REVOKED']);
      assert.equal(await revocationOf(license.serial), 'revoked');
    });

    it('one whose site is over, or suspended, by that, whatever its own row says', async () => {
      const { site, license } = await office.site((await office.customer()).contract);
      const set = async (change: string) => {
        await database.run('platform', (tx) =>
          sql(tx).query(`update lineages set ${change} where id = $1`, [site.lineage]),
        );
        return codes(await validate({ serial: license.serial }))[0];
      };
      assert.equal(await set('held = true'), 'SUSPENDED');
      assert.equal(await set(`held = false, status = 'closed'`), 'REVOKED');
    });

    it('one in its grace whose enterprise is closed', async () => {
      const { enterprise, contract } = await office.customer();
      const { license } = await office.site(contract);
      at(31 * DAY);
      await closeEnterprise(office.deps)(OWNER, { id: enterprise.id });
      assert.equal(codes(await validate({ serial: license.serial }))[0], 'REVOKED');
      const rows = await database.run('platform', (tx) =>
        sql(tx).query('select status from licenses where serial = $1', [license.serial]),
      );
      assert.deepEqual(rows, [{ status: 'revoked' }]);
    });

    it('what one server has suspended or revoked, on another in its next answer, in the same second', async () => {
      const { site, license } = await office.site((await office.customer()).contract);
      const servers = [validateLicense(office.deps), validateLicense(office.deps)];
      const answers = async () =>
        Promise.all(servers.map(async (ask) => codes(await ask(OWNER, { license: pem(license.chain) }))[0]));
      assert.deepEqual(await answers(), ['VALID', 'VALID']);
      await suspendSite(office.deps)(OWNER, { id: site.id });
      assert.deepEqual(await answers(), ['SUSPENDED', 'SUSPENDED']);
      await reinstateSite(office.deps)(OWNER, { id: site.id });
      assert.deepEqual(await answers(), ['VALID', 'VALID']);
      await retireSite(office.deps)(OWNER, { id: site.id });
      assert.deepEqual(await answers(), ['REVOKED', 'REVOKED']);
    });

    it('for a site its own license, and of its sister no more than anybody could say', async () => {
      const { contract } = await office.customer();
      const [one, sister] = [await office.site(contract), await office.site(contract)];
      const ask = (input: object) => validateLicense(office.deps)(siteActor(one.site), input as { serial: string });
      assert.equal((await ask({ serial: one.license.serial })).usable, true);
      await assert.rejects(ask({ serial: sister.license.serial }), hasCode('LICENSE_NOT_FOUND'));
      await assert.rejects(ask({ site: sister.site.id }), hasCode('SITE_NOT_FOUND'));
      assert.deepEqual(codes(await ask({ license: pem(sister.license.chain) })), ['ROOT_UNTRUSTED']);
    });

    it('one that was renewed as usable, with a word about it', async () => {
      const { site, license } = await office.site((await office.customer()).contract);
      await renewLicense(office.deps)(siteActor(site), { predecessor: license.serial, csr: makeCsr() });
      const verdict = await validate({ serial: license.serial });
      assert.deepEqual([verdict.usable, codes(verdict)[0]], [true, 'SUPERSEDED']);
    });

    it('one that is used on two machines', async () => {
      const { site, license } = await office.site((await office.customer()).contract);
      const renew = renewLicense(office.deps);
      await renew(siteActor(site), { predecessor: license.serial, csr: makeCsr() });
      await assert.rejects(
        renew(siteActor(site), { predecessor: license.serial, csr: makeCsr() }),
        hasCode('CLONE_SUSPECTED'),
      );
      const verdict = await validate({ site: site.id });
      assert.deepEqual([verdict.usable, codes(verdict)[0]], [false, 'CLONED']);
    });

    it('what is asked for and not licensed', async () => {
      const { license } = await office.site((await office.customer()).contract, { mode: 'development' });
      const verdict = await validate({
        serial: license.serial,
        require: { features: ['press/steam'], limits: { users: 100 }, mode: 'production' },
      });
      assert.deepEqual(codes(verdict).sort(), ['FEATURE_MISSING', 'MODE_MISMATCH']);
      assert.deepEqual([verdict.usable, verdict.watermark], [false, true]);
    });

    it('what nobody knows, and what cannot be read', async () => {
      const { license } = await office.site((await office.customer()).contract);
      const foreign = await validateLicense(office.deps)(
        { ...OWNER, organization: 'other' },
        { license: pem(license.chain) },
      );
      assert.equal(foreign.usable, false);
      assert.deepEqual(codes(foreign), ['ROOT_UNTRUSTED']);
      const garbage = await validate({ license: 'garbage' });
      assert.deepEqual([garbage.usable, codes(garbage)], [false, ['MALFORMED']]);
      await assert.rejects(validate({ serial: 'abcd' }), hasCode('LICENSE_NOT_FOUND'));
      await assert.rejects(validate({ site: 'abcd' }), hasCode('SITE_NOT_FOUND'));
      await assert.rejects(validate({ serial: license.serial, require: { features: [] } }), hasCode('INPUT_INVALID'));
      await assert.rejects(
        validate({ serial: license.serial, require: { mode: 'staging' } }),
        hasCode('INPUT_INVALID'),
      );
    });
  });
});
