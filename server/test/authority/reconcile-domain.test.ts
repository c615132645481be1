import assert from 'node:assert/strict';
import { makeCsr } from '@licet/authority/workshop';
import { reconcile, type Reconciled } from '../../authority/reconcile.ts';
import { openEvaluationShop } from '../../first-start/evaluation-shop.ts';
import { createToken } from '../../licensing/enrolment/create-token.ts';
import { enrol } from '../../licensing/enrolment/enrol.ts';
import { holdEnterprise, reinstateEnterprise } from '../../licensing/enterprises/enterprises.ts';
import { renewLicense } from '../../licensing/licenses/renew.ts';
import type { Site } from '../../licensing/model/site.ts';
import type { IssuedLicense } from '../../licensing/ports/issuance.ts';
import { createSite } from '../../licensing/sites/create-site.ts';
import { reinstateSite, retireSite, suspendSite } from '../../licensing/sites/site-life.ts';
import type { Dependencies } from '../../licensing/use-case.ts';
import { OWNER as SOMEBODY } from '../../licensing/test/office.ts';
import { auditLog } from '../../persistence/audit-log.ts';
import { makeCertificatePartitions } from '../../persistence/authority/partitions.ts';
import { licenseRecords } from '../../persistence/licensing/license-records.ts';
import { sql } from '../../persistence/transactions.ts';
import { systemRandom as random } from '../../random.ts';
import { connectLicensing } from '../../wiring/licensing.ts';
import { Workshop } from './workshop.ts';

const OWNER = { ...SOMEBODY, organization: 'demo' };
const NAMES = ['renewed', 'retired', 'suspended', 'installed-anew', 'reinstated', 'lost-answer'] as const;
type Name = (typeof NAMES)[number];
type Licensed = { readonly site: Site; readonly license: IssuedLicense };

describe('the domain after a restored backup was reconciled', function () {
  this.timeout(60_000);
  let workshop: Workshop;
  let deps: Dependencies;
  let contract: string;
  let done: Reconciled;
  const early = {} as Record<Name, Licensed>;
  const late: Record<string, IssuedLicense> = {};
  const answerLost = makeCsr();

  const connect = () => (deps = connectLicensing(workshop.database, workshop.authority));
  const make = async (name: string): Promise<Licensed> => {
    const { site, license } = await createSite(deps)(OWNER, { contract, name, mode: 'development', csr: makeCsr() });
    return { site, license: license! };
  };
  const renew = ({ serial }: { serial: string }, csr = makeCsr()): Promise<IssuedLicense> =>
    renewLicense(deps)(OWNER, { predecessor: serial, csr });
  const installAnew = async (site: Site): Promise<IssuedLicense> => {
    const { token } = await createToken(deps)(OWNER, { site: site.id });
    return enrol(deps)({ token, csr: makeCsr() });
  };
  const siteNamed = (name: string) =>
    deps.transactions.run({ organization: 'demo' }, async (tx) => {
      const { items } = await deps.stores.sites.list(tx, { where: { name }, limit: 10 });
      return items.map(({ status }) => status);
    });

  before(async () => {
    workshop = await Workshop.open();
    connect();
    ({ contract } = (await openEvaluationShop(deps, 'demo'))!);
    for (const name of NAMES) early[name] = await make(name);
    await suspendSite(deps)(OWNER, { id: early.reinstated.site.id });
    await workshop.stop();
    workshop.backUp();
    await workshop.start();
    connect();
    late['renewed'] = await renew(await renew(early.renewed.license));
    late['lost'] = await renew(early['lost-answer'].license, answerLost);
    await retireSite(deps)(OWNER, { id: early.retired.site.id });
    late['same-name'] = (await make('retired')).license;
    await suspendSite(deps)(OWNER, { id: early.suspended.site.id });
    late['anew'] = await installAnew(early['installed-anew'].site);
    await reinstateSite(deps)(OWNER, { id: early.reinstated.site.id });
    late['young'] = await renew((await make('young')).license);
    await holdEnterprise(deps)(OWNER, { id: early.renewed.site.enterprise });
    await workshop.stop();
    workshop.restore();
    await workshop.start();
    connect();
    done = await putBack();
    await workshop.authority.guard.check();
  });
  after(() => workshop?.close());

  const putBack = (): Promise<Reconciled> =>
    reconcile({
      ...workshop.authority.journal,
      licenses: licenseRecords,
      auditLog,
      random,
      publish: workshop.authority.publish,
      makePartitions: async (from) => {
        await workshop.database.run('platform', (tx) => makeCertificatePartitions(tx, from));
      },
    });

  it('knows each license again', () => {
    const { licenses, sites, homeless } = done.domain;
    assert.deepEqual({ licenses, sites, homeless: [...homeless] }, { licenses: 7, sites: 3, homeless: [] });
  });

  it('knows how long each works after its end, as the contract said', async () => {
    const rows = await workshop.database.run('platform', (tx) =>
      sql(tx).query<{ grace: string }>('select distinct grace from licenses'),
    );
    assert.deepEqual(rows, [{ grace: '1209600' }]);
  });

  it('knows that an enterprise was put on hold, and its operator undoes that as ever', async () => {
    const { enterprise: id } = early.renewed.site;
    const known = await deps.transactions.run({ organization: 'demo' }, (tx) => deps.stores.enterprises.get(tx, id));
    assert.deepEqual([known?.status, known?.held], ['suspended', true]);
    await assert.rejects(renew(late['renewed']!), { code: 'ENTERPRISE_SUSPENDED' });
    await reinstateEnterprise(deps)(OWNER, { id });
  });

  it('renews what was renewed meanwhile, and takes nobody for a clone', async () => {
    const { fresh } = await renew(late['renewed']!);
    assert.equal(fresh, true);
  });

  it('answers a request that was answered before with that answer', async () => {
    const again = await renew(early['lost-answer'].license, answerLost);
    assert.equal(again.serial, late['lost']!.serial);
  });

  it('still finds a clone', async () => {
    await assert.rejects(async () => {
      await renew(early.renewed.license);
      await renew(late['renewed']!);
    });
    const forked = await workshop.database.run('platform', (tx) =>
      sql(tx).query(`select 1 from lineages where status = 'forked'`),
    );
    assert.equal(forked.length, 1);
  });

  it('lets nothing come back that was retired, and gives its name to the one that has it now', async () => {
    await assert.rejects(renew(early.retired.license), { code: 'SITE_RETIRED' });
    assert.equal((await renew(late['same-name']!)).fresh, true);
    assert.deepEqual((await siteNamed('retired')).toSorted(), ['active', 'retired']);
  });

  it('keeps suspended what is suspended, and lets go what was reinstated', async () => {
    await assert.rejects(renew(early.suspended.license), { code: 'SITE_SUSPENDED' });
    assert.deepEqual(await siteNamed('suspended'), ['suspended']);
    assert.equal((await renew(early.reinstated.license)).fresh, true);
    assert.deepEqual(await siteNamed('reinstated'), ['active']);
  });

  it('has the new lineage of a site that was installed anew, and the old one is over', async () => {
    await assert.rejects(renew(early['installed-anew'].license), { code: 'SITE_RETIRED' });
    assert.equal((await renew(late['anew']!)).fresh, true);
    assert.deepEqual(await siteNamed('installed-anew'), ['active']);
  });

  it('has the sites that are younger than the backup, on their seats', async () => {
    assert.equal((await renew(late['young']!)).fresh, true);
    const used = await deps.transactions.run({ organization: 'demo' }, (tx) => deps.stores.seats.used(tx, contract));
    assert.equal(used.sites.development, 7);
  });

  it('has nothing left to do when it is reconciled once more', async () => {
    const { certificates, revocations: changed, domain } = await putBack();
    assert.deepEqual([certificates, changed, domain.licenses, domain.sites], [0, 0, 0, 0]);
  });
});
