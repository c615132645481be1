import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { makeCsr } from '@licet/authority/workshop';
import { type Database, openDatabase, sql } from '../../persistence/database.ts';
import { testDependencies } from '../../persistence/test/dependencies.ts';
import { testDatabase, type TestDatabase } from '../../persistence/test/test-database.ts';
import { decideApproval } from '../access/approvals.ts';
import { accessStores } from '../../persistence/access/index.ts';
import { above } from '../contracts/compare-terms.ts';
import {
  activateContract,
  changeContract,
  createContract,
  endContract,
  reinstateContract,
  suspendContract,
} from '../contracts/contracts.ts';
import { delegateContract, revokeDelegated } from '../contracts/delegate.ts';
import { previewSite } from '../contracts/preview.ts';
import { shortages } from '../contracts/seats.ts';
import {
  changeEnterprise,
  closeEnterprise,
  createEnterprise,
  reinstateEnterprise,
  suspendEnterprise,
} from '../enterprises/enterprises.ts';
import { LicetError } from '../errors.ts';
import type { Issuance } from '../ports/issuance.ts';
import { createPlan, retirePlan } from '../plans/plans.ts';
import { changeOrganization } from '../organizations/organizations.ts';
import { changeProduct, retireProduct, createProduct } from '../products/products.ts';
import { createSite } from '../sites/create-site.ts';
import { retireSite } from '../sites/site-life.ts';
import { updateSite } from '../sites/update-site.ts';
import { hasCode, Office, OWNER, TERM, TERMS } from './office.ts';

describe('Contracts', () => {
  let database: TestDatabase;
  let second: Database;
  let office: Office;
  before(async function () {
    database = await testDatabase(this);
    const options = {
      host: 'postgresql',
      url: database.url,
      poolSize: 8,
      statementTimeoutMs: 9000,
      lockTimeoutMs: 8000,
    } as const;
    second = await openDatabase(options, testDependencies());
    office = new Office(database);
    await office.open();
  });
  after(async () => {
    await second?.close();
    await database?.close();
  });

  const create = (terms: object, more: object = {}) =>
    office.customer().then(({ enterprise }) => office.contract(enterprise, terms, more));

  describe('are not made of', () => {
    const gold = (change: object) => ({ ...TERMS, ...change });
    const REFUSED: [name: string, input: object, code: string][] = [
      ['a product that is not sold', { features: ['oven'] }, 'PRODUCT_UNKNOWN'],
      ['a feature that its catalog lacks', { features: ['press/steam'] }, 'FEATURE_UNKNOWN'],
      [
        'a limit that no catalog has',
        { limits: [{ code: 'ovens', max: 1, scope: 'each', enforce: 'soft' }] },
        'LIMIT_UNKNOWN',
      ],
      ['a tier that no catalog has', { tier: { rank: 99, code: 'gold' } }, 'TIER_UNKNOWN'],
      ['no features', { features: [] }, 'INPUT_INVALID'],
      ['a feature twice', { features: ['press', 'press'] }, 'INPUT_INVALID'],
      ['a limit twice', { limits: [TERMS.limits[0], TERMS.limits[0]] }, 'INPUT_INVALID'],
      ['no modes', { siteCaps: {} }, 'INPUT_INVALID'],
      ['an unknown mode', { siteCaps: { staging: 1 } }, 'INPUT_INVALID'],
      ['an unknown way to degrade', { degrade: 'explode' }, 'INPUT_INVALID'],
      ['an unknown scope', { limits: [{ ...TERMS.limits[0], scope: 'all' }] }, 'INPUT_INVALID'],
      ['an unknown enforcement', { limits: [{ ...TERMS.limits[0], enforce: 'never' }] }, 'INPUT_INVALID'],
      ['a negative grace', { graceSeconds: -1 }, 'INPUT_INVALID'],
      ['an unknown field', { colour: 'red' }, 'INPUT_INVALID'],
    ];
    for (const [name, terms, code] of REFUSED) {
      it(`${name}: ${code}`, () => assert.rejects(create(gold(terms)), hasCode(code)));
    }
    const TERM_CASES: [name: string, term: object, code: string][] = [
      ['a term that ends before it begins', { ...TERM, lastDay: '2025-12-31' }, 'TERM_EMPTY'],
      ['a day that there is not', { ...TERM, firstDay: '2026-02-30' }, 'DAY_INVALID'],
      ['a time zone that there is not', { ...TERM, timeZone: 'Mars/Olympus' }, 'TIME_ZONE_UNKNOWN'],
      ['a term without an end', { firstDay: '2026-01-01', timeZone: 'UTC' }, 'TERM_OPEN'],
    ];
    for (const [name, term, code] of TERM_CASES) {
      it(`${name}: ${code}`, () => assert.rejects(create({}, { term }), hasCode(code)));
    }
  });

  it('may have no limits at all', async () => {
    const { contract } = await office.customer({ limits: [] });
    assert.deepEqual(contract.terms.limits, []);
  });

  it('are found by their own organization and enterprise only', async () => {
    const { contract, enterprise } = await office.customer();
    const stranger = { ...OWNER, organization: 'other' };
    const elsewhere = {
      ...OWNER,
      roles: ['enterprise-admin'],
      enterprise: '019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f00',
    } as const;
    const codeOf = (promise: Promise<unknown>) =>
      promise.then(
        () => 'done',
        (error: LicetError) => error.code,
      );
    const preview = { contract: contract.id, mode: 'production' } as const;
    for (const actor of [stranger, elsewhere]) {
      assert.equal(await codeOf(previewSite(office.deps)(actor, preview)), 'CONTRACT_NOT_FOUND');
      assert.equal(await codeOf(createSite(office.deps)(actor, { ...preview, name: 'x' })), 'CONTRACT_NOT_FOUND');
      assert.equal(
        await codeOf(changeEnterprise(office.deps)(actor, { id: enterprise.id, name: 'x' })),
        'ENTERPRISE_NOT_FOUND',
      );
    }
    assert.equal(await codeOf(suspendContract(office.deps)(elsewhere, { id: contract.id })), 'ORGANIZATION_ONLY');
    const mine = { ...elsewhere, enterprise: enterprise.id };
    assert.equal(await codeOf(previewSite(office.deps)(mine, preview)), 'done');
    assert.equal(
      await codeOf(previewSite(office.deps)(OWNER, { ...preview, contract: 'no id' })),
      'CONTRACT_NOT_FOUND',
    );
  });

  it('are handed to a CA of the enterprise only while they are in force, and by nobody of an enterprise', async () => {
    const { deps } = office;
    const { enterprise, contract } = await office.customer();
    const refused = (id: string, code: string, actor = OWNER) =>
      assert.rejects(delegateContract(deps)(actor, { id, csr: makeCsr() }), hasCode(code));
    await refused((await office.contract(enterprise)).id, 'CONTRACT_DRAFT');
    await refused('no id', 'CONTRACT_NOT_FOUND');
    await refused(contract.id, 'ORGANIZATION_ONLY', { ...OWNER, enterprise: enterprise.id });
    await suspendContract(deps)(OWNER, { id: contract.id });
    await refused(contract.id, 'CONTRACT_SUSPENDED');
  });

  it('keep the catalog that they were sold with', async () => {
    const { deps } = office;
    const catalog = {
      features: [{ code: 'a', name: 'A' }],
      limits: [],
      tiers: [{ rank: 1, code: 'one', name: 'One' }],
    };
    const product = await createProduct(deps)(OWNER, { code: 'oven', name: 'Oven', catalog });
    const { enterprise } = await office.customer();
    const oven = { features: ['oven/a'], limits: [], tier: { rank: 1, code: 'one' } };
    const contract = await office.contract(enterprise, oven);
    const shrunk = await changeProduct(deps)(OWNER, { id: product.id, catalog: { ...catalog, features: [] } });
    assert.deepEqual([contract.catalogs, shrunk.catalogVersion], [{ oven: 1 }, 2]);
    const sold = await database.run({ organization: 'acme' }, (tx) => deps.stores.catalogs.get(tx, 'oven', 1));
    assert.deepEqual(sold, catalog);
    await assert.rejects(office.contract(enterprise, oven), hasCode('FEATURE_UNKNOWN'));
    await retireProduct(deps)(OWNER, { id: product.id });
    await assert.rejects(office.contract(enterprise, { ...oven, features: ['oven'] }), hasCode('PRODUCT_UNKNOWN'));
    await assert.rejects(retireProduct(deps)(OWNER, { id: product.id }), hasCode('TRANSITION_REFUSED'));
  });

  it('say whether a change lowers or raises rights', async () => {
    const { contract } = await office.customer();
    const change = (terms: object) =>
      changeContract(office.deps)(OWNER, { id: contract.id, terms: { ...TERMS, ...terms } });
    await change({ graceSeconds: 1 });
    await change({ siteCaps: { production: 9, development: 3 } });
    await change({ tier: { rank: 10, code: 'silver' }, siteCaps: { production: 99 } });
    const rows = await database.run('platform', (tx) =>
      sql(tx).query<{ payload: { lowers: boolean; raises: boolean } }>(
        `select payload from outbox_events where type = 'contract.changed' and stream = $1 order by position`,
        [`contract:${contract.id}`],
      ),
    );
    const seen = rows.map(({ payload: { lowers, raises } }) => [lowers, raises]);
    assert.deepEqual(seen, [
      [true, false],
      [false, true],
      [true, true],
    ]);
  });

  it('refuse a change of a version that was not seen', async () => {
    const { contract } = await office.customer();
    const stale = changeContract(office.deps)(OWNER, { id: contract.id, version: contract.version - 1, labels: {} });
    await assert.rejects(stale, hasCode('VERSION_STALE'));
  });

  it('made from a plan have its terms and its length', async () => {
    const plan = await createPlan(office.deps)(OWNER, {
      code: 'gold',
      name: 'Gold',
      terms: TERMS,
      months: 12,
      requestsPerMonth: 'unlimited',
    });
    const { enterprise } = await office.customer();
    const input = {
      enterprise: enterprise.id,
      number: 'P-1',
      plan: plan.id,
      term: { firstDay: '2026-03-01', timeZone: 'UTC' },
    };
    const contract = await createContract(office.deps)(OWNER, input);
    assert.deepEqual([contract.term.lastDay, contract.terms.siteCaps], ['2027-02-28', TERMS.siteCaps]);
    await assert.rejects(createContract(office.deps)(OWNER, { ...input, plan: undefined }), hasCode('TERMS_NEEDED'));
    await retirePlan(office.deps)(OWNER, { id: plan.id });
    await assert.rejects(createContract(office.deps)(OWNER, input), hasCode('PLAN_RETIRED'));
  });

  it('are not exchanged for what their CA cannot be certified for', async () => {
    const { contract } = await office.customer({ features: ['press/remote'] });
    const asked: (readonly string[])[] = [];
    const checkContract: Issuance['checkContract'] = ({ contract: { features } }) => {
      asked.push(features);
      return Promise.reject(new LicetError('conflict', 'CLAIMS_ABOVE_PARENT', 'The CA above has no such feature.'));
    };
    const deps = { ...office.deps, issuance: { ...office.deps.issuance, checkContract } };
    const change = (features: string[]) =>
      changeContract(deps)(OWNER, { id: contract.id, terms: { ...TERMS, features } });
    await assert.rejects(change(['press']), hasCode('CLAIMS_ABOVE_PARENT'));
    const now = await database.run({ organization: 'acme' }, (tx) => deps.stores.contracts.get(tx, contract.id));
    assert.equal(now?.version, contract.version);
    await change(['press', 'press/remote']);
    await change(['press/remote']);
    assert.deepEqual(asked, [['press']], 'what is only more, or only less, is within reach of what there is');
  });

  /** A draft that says more than its plan. */
  async function abovePlan(code: string) {
    const small = { ...TERMS, siteCaps: { production: 1 } };
    const plan = { code, name: code, terms: small, months: 12, requestsPerMonth: 10 };
    const { id } = await createPlan(office.deps)(OWNER, plan);
    const { enterprise } = await office.customer();
    return office.contract(enterprise, {}, { plan: id });
  }

  it('above their plan are for who has the right to that, where one person is enough as well', async () => {
    const { id } = await abovePlan('tiny');
    const billing = { ...OWNER, roles: ['billing'] as const };
    await assert.rejects(activateContract(office.deps)(billing, { id }), hasCode('NOT_ALLOWED'));
    assert.equal((await activateContract(office.deps)({ ...OWNER, roles: ['admin'] }, { id })).status, 'active');
    const more = { id, terms: { ...TERMS, siteCaps: { production: 6 } } };
    await assert.rejects(changeContract(office.deps)(billing, more), hasCode('NOT_ALLOWED'));
  });

  it('above their plan wait for a second person', async () => {
    const { deps } = office;
    await database.run('platform', (tx) =>
      sql(tx).query(`update organizations set settings = settings || '{"secondPerson": true}'`),
    );
    const contract = await abovePlan('small');
    const activate = () => activateContract(deps)(OWNER, { id: contract.id });
    await assert.rejects(activate(), hasCode('APPROVAL_NEEDED'));
    await assert.rejects(activate(), hasCode('APPROVAL_NEEDED'));
    const waiting = await database.run({ organization: 'acme' }, (tx) => accessStores.approvals.list(tx, { limit: 9 }));
    assert.equal(waiting.items.length, 1);
    const access = { ...deps, stores: accessStores, organizations: deps.stores.organizations };
    const other = { ...OWNER, id: 'person:second' };
    await database.run({ organization: 'acme' }, (tx) =>
      decideApproval(access, tx, other, waiting.items[0]!.id, 'approved'),
    );
    assert.equal((await activate()).status, 'active');
    const { id } = contract;
    await assert.rejects(delegateContract(deps)(OWNER, { id, csr: makeCsr() }), hasCode('APPROVAL_NEEDED'));
    await assert.rejects(revokeDelegated(deps)(OWNER, { id, reason: 'keyCompromise' }), hasCode('APPROVAL_NEEDED'));
    const relax = changeOrganization(deps)(OWNER, { settings: { secondPerson: false } });
    await assert.rejects(relax, hasCode('APPROVAL_NEEDED'));
    await database.run({ organization: 'acme' }, (tx) =>
      sql(tx).query(`update organizations set settings = settings || '{"secondPerson": false}'`),
    );
  });

  describe('give seats', () => {
    const seat = { mode: 'production', shares: { machines: 10 } } as const;
    const used = { sites: { production: 4, development: 0, recovery: 0 }, shares: {} };
    it('up to the cap and the pool, and not one more', () => {
      assert.deepEqual(shortages(TERMS, used, seat), []);
      const codes = (...args: Parameters<typeof shortages>) => shortages(...args).map(({ code }) => code);
      assert.deepEqual(codes(TERMS, used, { ...seat, shares: { machines: 11 } }), ['POOL_EXHAUSTED']);
      assert.deepEqual(codes(TERMS, { ...used, shares: { machines: 1 } }, seat), ['POOL_EXHAUSTED']);
      assert.deepEqual(codes(TERMS, { ...used, sites: { ...used.sites, production: 5 } }, seat), ['SITE_CAP_REACHED']);
      assert.deepEqual(codes(TERMS, used, { ...seat, mode: 'recovery' }), ['MODE_NOT_SOLD']);
      assert.deepEqual(codes(TERMS, used, { ...seat, shares: { users: 1 } }), ['POOL_UNKNOWN']);
      assert.deepEqual(codes(TERMS, { ...used, shares: { machines: 10 } }, { ...seat, shares: { machines: 0 } }), []);
    });

    it('to five of sixty-four sites that come at once, over two servers', async () => {
      const { contract } = await office.customer();
      const servers = [office.deps, { ...office.deps, transactions: second }];
      const all = await Promise.allSettled(
        Array.from({ length: 64 }, (_, i) =>
          createSite(servers[i % 2]!)(OWNER, { contract: contract.id, name: `rush-${i}`, mode: 'production' }),
        ),
      );
      assert.equal(all.filter(({ status }) => status === 'fulfilled').length, 5);
      for (const one of all) if (one.status === 'rejected') hasCode('SITE_CAP_REACHED')(one.reason);
    });

    it('of a pool of ten to three of sixty-four that take three each', async () => {
      const { contract } = await office.customer({ siteCaps: { production: 'unlimited' } });
      const servers = [office.deps, { ...office.deps, transactions: second }];
      const input = { contract: contract.id, mode: 'production', shares: { machines: 3 } } as const;
      const all = await Promise.allSettled(
        Array.from({ length: 64 }, (_, i) => createSite(servers[i % 2]!)(OWNER, { ...input, name: `pool-${i}` })),
      );
      assert.equal(all.filter(({ status }) => status === 'fulfilled').length, 3);
      for (const one of all) if (one.status === 'rejected') hasCode('POOL_EXHAUSTED')(one.reason);
    });
  });

  it('preview what a site would get, and what is in the way', async () => {
    const { contract } = await office.customer({ siteCaps: { production: 1 }, bindingNeed: 1 });
    const preview = (more: object) =>
      previewSite(office.deps)(OWNER, { contract: contract.id, mode: 'production', ...more });
    const good = await preview({ shares: { machines: 10 }, fingerprints: 1 });
    assert.equal(good.possible, true);
    assert.deepEqual(
      good.claims?.limits.map(({ code, max }) => [code, max]),
      [
        ['machines', 10],
        ['users', 100],
      ],
    );
    const bad = await preview({ shares: { machines: 11 } });
    assert.deepEqual(
      bad.obstacles.map(({ code, by }) => [code, by]),
      [
        ['POOL_EXHAUSTED', 'pool'],
        ['BINDING_NEEDED', 'site'],
      ],
    );
    await createSite(office.deps)(OWNER, { contract: contract.id, name: 'only', mode: 'production' });
    assert.deepEqual(
      (await preview({ fingerprints: 1 })).obstacles.map(({ code }) => code),
      ['SITE_CAP_REACHED'],
    );
    await suspendContract(office.deps)(OWNER, { id: contract.id });
    assert.ok((await preview({ fingerprints: 1 })).obstacles.some(({ code }) => code === 'CONTRACT_SUSPENDED'));
  });

  it('tell what the CA above does not grant, when they are activated and in the preview', async () => {
    const asked: unknown[] = [];
    const obstacle = { code: 'CLAIMS_ABOVE_PARENT', claim: 'features', detail: '"lathe" is not granted above' };
    const obstacles: Issuance['obstacles'] = async (of, site) => {
      asked.push([of.enterprise, of.contract.features, site?.modes]);
      return [obstacle];
    };
    const deps = { ...office.deps, issuance: { ...office.deps.issuance, obstacles } };
    const { enterprise } = await office.customer();
    const { id } = await office.contract(enterprise);
    const active = await activateContract(deps)(OWNER, { id });
    assert.deepEqual([active.status, active.obstacles], ['active', [{ ...obstacle, by: 'issuer' }]]);
    const { possible, obstacles: found } = await previewSite(deps)(OWNER, { contract: id, mode: 'production' });
    assert.deepEqual([possible, found], [false, [{ ...obstacle, by: 'issuer' }]]);
    const features = ['press', 'press/remote'];
    assert.deepEqual(asked, [
      [enterprise.slug, features, undefined],
      [enterprise.slug, features, ['production']],
    ]);
  });

  it('end with their enterprise, and its sites retire', async () => {
    const { enterprise, contract } = await office.customer();
    const { site } = await createSite(office.deps)(OWNER, { contract: contract.id, name: 'last', mode: 'production' });
    await suspendEnterprise(office.deps)(OWNER, { id: enterprise.id });
    await reinstateEnterprise(office.deps)(OWNER, { id: enterprise.id });
    await assert.rejects(reinstateEnterprise(office.deps)(OWNER, { id: enterprise.id }), hasCode('TRANSITION_REFUSED'));
    await closeEnterprise(office.deps)(OWNER, { id: enterprise.id });
    await database.run({ organization: 'acme' }, async (tx) => {
      assert.equal((await office.deps.stores.contracts.get(tx, contract.id))?.status, 'ended');
      assert.equal((await office.deps.stores.sites.get(tx, site.id))?.status, 'retired');
    });
    await assert.rejects(office.contract(enterprise), hasCode('ENTERPRISE_CLOSED'));
  });

  it('compare with themselves as equal, and with more as above', () => {
    assert.deepEqual(above(TERMS, TERMS, undefined), []);
    assert.deepEqual(
      above(TERMS, { ...TERMS, siteCaps: { ...TERMS.siteCaps, production: 'unlimited' } }, undefined).length,
      1,
    );
    assert.deepEqual(above({ ...TERMS, modeChanges: false }, TERMS, undefined), [
      'modeChanges: sites may change their mode',
    ]);
  });

  it('never have more live sites than they may, through any sequence of changes', async () => {
    const step = fc.record({
      what: fc.constantFrom('create', 'retire', 'mode', 'suspend', 'reinstate', 'cap'),
      mode: fc.constantFrom('production' as const, 'development' as const),
      at: fc.nat(4),
      share: fc.nat(6),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
        const { contract } = await office.customer({ siteCaps: { production: 2, development: 2 } });
        const model = new Map<string, { mode: 'production' | 'development'; share: number }>();
        let status = 'active';
        const { deps } = office;
        for (const { what, mode, at, share } of steps) {
          const id = [...model.keys()][at % Math.max(1, model.size)];
          const others = [...model].filter(([key]) => what !== 'mode' || key !== id).map(([, site]) => site);
          const free = others.filter((site) => site.mode === mode).length < 2;
          const pool = others.reduce((sum, site) => sum + site.share, 0) + share <= 10;
          const outcome = async (promise: Promise<unknown>) =>
            promise.then(
              () => true,
              (error: LicetError) => (error.code === undefined ? Promise.reject(error) : false),
            );
          if (what === 'create') {
            const name = `m-${randomBytes(6).toString('hex')}`;
            const made = createSite(deps)(OWNER, { contract: contract.id, name, mode, shares: { machines: share } });
            assert.equal(await outcome(made), status === 'active' && free && pool);
            if (status === 'active' && free && pool) model.set((await made).site.id, { mode, share });
          } else if (what === 'suspend' || what === 'reinstate') {
            const wanted = what === 'suspend' ? 'active' : 'suspended';
            const run = what === 'suspend' ? suspendContract : reinstateContract;
            assert.equal(await outcome(run(deps)(OWNER, { id: contract.id })), status === wanted);
            if (status === wanted) status = what === 'suspend' ? 'suspended' : 'active';
          } else if (id !== undefined && what === 'retire') {
            await retireSite(deps)(OWNER, { id });
            model.delete(id);
          } else if (id !== undefined && what === 'mode') {
            const moved = updateSite(deps)(OWNER, { id, mode, shares: { machines: share } });
            const same = model.get(id)?.mode === mode && model.get(id)?.share === share;
            const may = same || (status === 'active' && free && pool);
            assert.equal(await outcome(moved), may);
            if (may) model.set(id, { mode, share });
          }
          const seats = await database.run({ organization: 'acme' }, (tx) => deps.stores.seats.used(tx, contract.id));
          const count = (of: string) => [...model.values()].filter((site) => site.mode === of).length;
          assert.deepEqual(seats.sites, {
            production: count('production'),
            development: count('development'),
            recovery: 0,
          });
        }
        await endContract(deps)(OWNER, { id: contract.id });
        await assert.rejects(changeContract(deps)(OWNER, { id: contract.id, labels: {} }), hasCode('CONTRACT_ENDED'));
      }),
      { numRuns: 8 },
    );
  }).timeout(20_000);

  it('are refused twice under one number', async () => {
    const { enterprise } = await office.customer();
    await office.contract(enterprise, {}, { number: 'twice' });
    await assert.rejects(office.contract(enterprise, {}, { number: 'twice' }), hasCode('CONTRACT_EXISTS'));
    await assert.rejects(
      createEnterprise(office.deps)(OWNER, { slug: enterprise.slug, name: 'x' }),
      hasCode('ENTERPRISE_EXISTS'),
    );
  });
});
