import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { makeCsr } from '@licet/authority/workshop';
import { reconcile, type Reconciled } from '../../authority/reconcile.ts';
import { openEvaluationShop } from '../../first-start/evaluation-shop.ts';
import { createToken } from '../../licensing/enrolment/create-token.ts';
import { enrol } from '../../licensing/enrolment/enrol.ts';
import { holdEnterprise, reinstateEnterprise } from '../../licensing/enterprises/enterprises.ts';
import { exchangeIdentity } from '../../licensing/identity/exchange.ts';
import type { IdentityTokens } from '../../licensing/identity/ports.ts';
import { createTrustRule } from '../../licensing/identity/rules.ts';
import { renewLicense } from '../../licensing/licenses/renew.ts';
import type { Site } from '../../licensing/model/site.ts';
import type { IssuedLicense } from '../../licensing/ports/issuance.ts';
import { createSite } from '../../licensing/sites/create-site.ts';
import { reinstateSite, retireSite, suspendSite } from '../../licensing/sites/site-life.ts';
import type { Dependencies } from '../../licensing/use-case.ts';
import { OWNER as SOMEBODY } from '../../licensing/test/office.ts';
import { auditLog } from '../../persistence/audit-log.ts';
import { makeCertificatePartitions } from '../../persistence/authority/partitions.ts';
import { identityStores } from '../../persistence/identity/stores.ts';
import { licenseRecords } from '../../persistence/licensing/license-records.ts';
import { sql } from '../../persistence/transactions.ts';
import { systemRandom as random } from '../../random.ts';
import { connectLicensing } from '../../wiring/licensing.ts';
import { Workshop } from './workshop.ts';

const ISSUER = 'https://token.example';
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
  const tokens = { open: '', anew: '', unused: '' };

  const connect = () => (deps = connectLicensing(workshop.database, workshop.authority));
  const make = async (name: string): Promise<Licensed> => {
    const { site, license } = await createSite(deps)(OWNER, { contract, name, mode: 'development', csr: makeCsr() });
    return { site, license: license! };
  };
  const renew = ({ serial }: { serial: string }, csr = makeCsr()): Promise<IssuedLicense> =>
    renewLicense(deps)(OWNER, { predecessor: serial, csr });
  const use = (token: string, name?: string): Promise<IssuedLicense> =>
    enrol(deps)({ token, csr: makeCsr(), ...(name !== undefined && { name }) });
  /** What the issuer vouches for is tested elsewhere. */
  const build = () => {
    const claims = { iss: ISSUER, aud: 'us', repository_id: '74' };
    const tokens: IdentityTokens = {
      issuerOf: () => ISSUER,
      verify: () => Promise.resolve({ claims, id: randomUUID(), expiresAt: new Date(Date.now() + 600_000) }),
    };
    return exchangeIdentity(
      { ...deps, identities: identityStores, tokens },
      { organization: 'demo', token: 'vouched', csr: makeCsr() },
    );
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
    const wanted = { contract, mode: 'development' } as const;
    tokens.open = (await createToken(deps)(OWNER, wanted)).token;
    tokens.anew = (await createToken(deps)(OWNER, { site: early['installed-anew'].site.id })).token;
    tokens.unused = (await createToken(deps)(OWNER, { ...wanted, mode: 'production', name: 'unused' })).token;
    const rule = { contract, mode: 'development', issuer: ISSUER, audience: 'us', siteClaim: 'repository_id' } as const;
    const conditions = { repository_id: ['74'] };
    await createTrustRule({ ...deps, identities: identityStores }, OWNER, { ...rule, name: 'builds', conditions });
    await workshop.stop();
    workshop.backUp();
    await workshop.start();
    connect();
    late['renewed'] = await renew(await renew(early.renewed.license));
    late['lost'] = await renew(early['lost-answer'].license, answerLost);
    await retireSite(deps)(OWNER, { id: early.retired.site.id });
    late['same-name'] = (await make('retired')).license;
    await suspendSite(deps)(OWNER, { id: early.suspended.site.id });
    late['anew'] = await use(tokens.anew);
    late['by-token'] = await use(tokens.open, 'by-token');
    late['build'] = await build();
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
    assert.deepEqual({ licenses, sites, homeless: [...homeless] }, { licenses: 9, sites: 5, homeless: [] });
  });

  it('knows how long each works after its end, as the contract said', async () => {
    const rows = await workshop.database.run('platform', (tx) =>
      sql(tx).query<{ grace: string }>('select distinct grace from licenses order by grace'),
    );
    assert.deepEqual(rows, [{ grace: '0' }, { grace: '1209600' }]);
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
    assert.equal(used.sites.development, 9);
  });

  it('takes no token again that was used meanwhile, and those that were not', async () => {
    await assert.rejects(use(tokens.anew), { code: 'TOKEN_WITHDRAWN' });
    await assert.rejects(use(tokens.open, 'another'), { code: 'TOKEN_WITHDRAWN' });
    assert.equal((await renew(late['by-token']!)).fresh, true);
    assert.equal((await use(tokens.unused)).fresh, true);
  });

  it('renews no license of a build, neither one of before nor the next', async () => {
    for (const license of [late['build']!, await build()]) {
      await assert.rejects(renew(license), { code: 'LICENSE_NOT_RENEWED' });
    }
  });

  it('has nothing left to do when it is reconciled once more', async () => {
    const { certificates, revocations: changed, domain } = await putBack();
    assert.deepEqual([certificates, changed, domain.licenses, domain.sites], [0, 0, 0, 0]);
  });
});
