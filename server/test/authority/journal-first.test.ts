import assert from 'node:assert/strict';
import { AuthorityError, type Signer } from '@licet/authority';
import { makeCsr } from '@licet/authority/workshop';
import { compareCodes, encodePem, fromHex, toHex } from '@licet/format';
import { openEvaluationShop } from '../../first-start/evaluation-shop.ts';
import { startDeliverer } from '../../jobs/outbox-deliverer.ts';
import { decideApproval } from '../../licensing/access/approvals.ts';
import { activateContract, changeContract, createContract, endContract } from '../../licensing/contracts/contracts.ts';
import { delegateContract, revokeDelegated } from '../../licensing/contracts/delegate.ts';
import { createToken } from '../../licensing/enrolment/create-token.ts';
import { enrol } from '../../licensing/enrolment/enrol.ts';
import {
  closeEnterprise,
  createEnterprise,
  holdEnterprise,
  reinstateEnterprise,
  suspendEnterprise,
} from '../../licensing/enterprises/enterprises.ts';
import { changeManyLicenses } from '../../licensing/licenses/change-many.ts';
import { resolveFork } from '../../licensing/licenses/fork.ts';
import { renewLicense } from '../../licensing/licenses/renew.ts';
import type { Site } from '../../licensing/model/site.ts';
import type { IssuedLicense } from '../../licensing/ports/issuance.ts';
import { createSite } from '../../licensing/sites/create-site.ts';
import { reinstateSite, retireSite, suspendSite } from '../../licensing/sites/site-life.ts';
import { OWNER as SOMEBODY, TERMS } from '../../licensing/test/office.ts';
import type { Dependencies } from '../../licensing/use-case.ts';
import { accessStores } from '../../persistence/access/index.ts';
import { outbox } from '../../persistence/outbox.ts';
import { sql } from '../../persistence/transactions.ts';
import { contractSubscriber } from '../../wiring/contracts.ts';
import { connectLicensing } from '../../wiring/licensing.ts';
import { caRequest, Workshop } from './workshop.ts';

const requestPem = (enterprise: string): string => encodePem('CERTIFICATE REQUEST', caRequest(enterprise));

const OWNER = { ...SOMEBODY, organization: 'demo' };

type Licensed = { readonly site: Site; readonly license: IssuedLicense };

/** No subscriber of the outbox runs here: whatever is true is true when the call resolves. */
describe('A change of what licenses are worth', function () {
  this.timeout(60_000);
  let workshop: Workshop;
  let deps: Dependencies;
  let contract: string;
  let count = 0;
  /** What happens instead of, before or after a call of the signer. */
  let fault: Partial<Signer> = {};

  const connect = () => (deps = connectLicensing(workshop.database, workshop.authority));
  before(async () => {
    workshop = await Workshop.open();
    await workshop.stop();
    workshop.around = (signer) =>
      new Proxy(signer, {
        get(target, name: keyof Signer) {
          const value: unknown = fault[name] ?? target[name];
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        },
      });
    await workshop.start();
    connect();
    ({ contract } = (await openEvaluationShop(deps, 'demo'))!);
  });
  after(() => workshop?.close());
  afterEach(() => void (fault = {}));

  const made = async (of = contract): Promise<Licensed> => {
    count += 1;
    const wanted = { contract: of, name: `site-${count}`, mode: 'development', csr: makeCsr() } as const;
    const { site, license } = await createSite(deps)(OWNER, wanted);
    return { site, license: license! };
  };
  const customer = async () => {
    count += 1;
    const enterprise = await createEnterprise(deps)(OWNER, { slug: `hooli-${count}`, name: 'Hooli' });
    return { enterprise, contract: await contractOf(enterprise.id) };
  };
  const sold = { ...TERMS, features: ['demo'], limits: [], reporting: undefined };
  const contractOf = async (enterprise: string): Promise<string> => {
    count += 1;
    const year = new Date().getUTCFullYear();
    const term = { firstDay: `${year}-01-01`, lastDay: `${year + 1}-12-31`, timeZone: 'UTC' };
    const { id } = await createContract(deps)(OWNER, { enterprise, number: `H-${count}`, terms: sold, term });
    await activateContract(deps)(OWNER, { id });
    return id;
  };
  /** From now on without production sites. */
  const lower = (id: string) =>
    changeContract(deps)(OWNER, { id, terms: { ...sold, siteCaps: { development: 3, recovery: 1 } } });
  const contractNow = (id: string) =>
    deps.transactions.run({ organization: 'demo' }, (tx) => deps.stores.contracts.get(tx, id));
  /** What the CA in office grants. */
  const grantedBy = async (enterprise: string, id: string) => {
    const { directory } = workshop.authority;
    await directory.refresh();
    const role = { organization: 'demo', kind: 'enterprise', enterprise, contract: id } as const;
    return (await directory.active(role))?.generation.claims?.modes;
  };
  /** Until what comes by the outbox has come. */
  const delivered = async (isThere: () => Promise<boolean>) => {
    const log = { info: () => {}, warn: () => {}, error: (fields: object) => assert.fail(JSON.stringify(fields)) };
    const { random } = deps;
    const hears = { transactions: workshop.database, outbox, random, log, pollMs: 20 };
    const subscriber = contractSubscriber({ licensing: deps, authority: workshop.authority });
    const deliverer = await startDeliverer([subscriber], hears);
    try {
      for (let tries = 0; !(await isThere()); tries++) {
        assert.ok(tries < 250, 'it has not come');
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    } finally {
      await deliverer.stop();
    }
  };
  const idOf = async ({ serial, chain }: IssuedLicense) => {
    const { key } = (await workshop.authority.directory.list({ limit: 100 })).find(({ certificate }) =>
      Buffer.from(certificate).equals(chain[1]!),
    )!;
    return { issuer: key, serial: fromHex(serial) };
  };
  const stateOf = async (license: IssuedLicense) =>
    (await workshop.authority.revocations.find([await idOf(license)]))[0]?.state.state;
  const authoritiesOf = async (enterprise: string) => {
    const at = new Date();
    const { certificates } = await workshop.authority.revocations.enterprise('demo', enterprise, at);
    return Promise.all(
      certificates.map(async (id) => ({
        serial: toHex(id.serial),
        state: (await workshop.authority.revocations.find([id]))[0]?.state.state,
      })),
    );
  };
  /** In the order of the alphabet. */
  const statesOf = async (enterprise: string) =>
    (await authoritiesOf(enterprise)).map(({ state = '' }) => state).sort(compareCodes);
  const journaled = async (serial: string): Promise<string[]> => {
    const all: string[] = [];
    for (let after = 0n; ;) {
      const page = await workshop.signer.journalAfter(after, 1000);
      for (const { record } of page) {
        if (record.type === 'revocation' && toHex(record.serial) === serial) all.push(record.event);
      }
      if (page.length === 0) return all;
      after = page.at(-1)!.sequence;
    }
  };
  const audited = (serial: string) =>
    workshop.database.run('platform', async (tx) => {
      const rows = await sql(tx).query<{ action: string }>(
        `select action from audit_log where subject like 'certificate:%/' || $1 order by sequence`,
        [serial],
      );
      return rows.map(({ action }) => action).filter((action) => action !== 'certificate.issued');
    });
  const siteStatus = (id: string) =>
    deps.transactions.run({ organization: 'demo' }, async (tx) => (await deps.stores.sites.get(tx, id))?.status);
  const restart = async () => {
    fault = {};
    await workshop.stop();
    await workshop.start();
    connect();
  };

  describe('is in the journal, in the database and in the audit log when it is answered:', () => {
    it('a site that is suspended, reinstated and retired', async () => {
      const { site, license } = await made();
      for (const [run, state] of [
        [suspendSite, 'held'],
        [reinstateSite, 'valid'],
        [retireSite, 'revoked'],
      ] as const) {
        await run(deps)(OWNER, { id: site.id });
        assert.equal(await stateOf(license), state);
      }
      assert.deepEqual(await journaled(license.serial), ['held', 'reinstated', 'revoked']);
      const actions = ['certificate.suspended', 'certificate.reinstated', 'certificate.revoked'];
      assert.deepEqual(await audited(license.serial), actions);
    });

    it('a site that is installed anew', async () => {
      const { site, license } = await made();
      const { token } = await createToken(deps)(OWNER, { site: site.id });
      await enrol(deps)({ token, csr: makeCsr() });
      assert.deepEqual([await stateOf(license), await journaled(license.serial)], ['revoked', ['revoked']]);
    });

    it('a clone that is found to be one', async () => {
      const { site, license } = await made();
      const renew = () => renewLicense(deps)(OWNER, { predecessor: license.serial, csr: makeCsr() });
      const renewed = await renew();
      await assert.rejects(renew());
      await resolveFork(deps)(OWNER, { site: site.id, survivor: renewed.serial });
      assert.deepEqual([await stateOf(license), await stateOf(renewed)], ['revoked', 'valid']);
      assert.deepEqual(await journaled(license.serial), ['revoked']);
    });

    it('an enterprise that is put on hold and reinstated, by all its CA certificates and by no license', async () => {
      const { enterprise, contract: first } = await customer();
      const { license } = await made(first);
      await made(await contractOf(enterprise.id));
      const { status, held } = await holdEnterprise(deps)(OWNER, { id: enterprise.id });
      assert.deepEqual([status, held], ['suspended', true]);
      const states = async () => (await authoritiesOf(enterprise.slug)).map(({ state }) => state);
      assert.deepEqual([await states(), await stateOf(license)], [['held', 'held'], 'valid']);
      await assert.rejects(made(first), { code: 'ENTERPRISE_SUSPENDED' });
      const reinstated = await reinstateEnterprise(deps)(OWNER, { id: enterprise.id });
      assert.deepEqual([reinstated.status, reinstated.held], ['active', false]);
      assert.deepEqual(await states(), ['valid', 'valid']);
      const [{ serial } = { serial: '' }] = await authoritiesOf(enterprise.slug);
      assert.deepEqual(await journaled(serial), ['held', 'reinstated']);
    });

    it('a CA that an enterprise keeps itself, which is held with it and revoked with its contract', async () => {
      const { enterprise, contract: sold } = await customer();
      await delegateContract(deps)(OWNER, { id: sold, csr: requestPem(enterprise.slug) });
      const states = async () => (await authoritiesOf(enterprise.slug)).map(({ state }) => state);
      await holdEnterprise(deps)(OWNER, { id: enterprise.id });
      assert.deepEqual(await states(), ['held']);
      await reinstateEnterprise(deps)(OWNER, { id: enterprise.id });
      assert.deepEqual(await states(), ['valid']);
      await endContract(deps)(OWNER, { id: sold });
      assert.deepEqual(await states(), ['revoked']);
      const [{ serial } = { serial: '' }] = await authoritiesOf(enterprise.slug);
      assert.deepEqual(await journaled(serial), ['held', 'reinstated', 'revoked']);
    });

    it('a contract that is lowered, by its CA certificates that say more and by no other change', async () => {
      const { enterprise, contract: id } = await customer();
      const other = await contractOf(enterprise.id);
      for (const one of [id, other]) await made(one);
      const states = () => statesOf(enterprise.slug);
      const { labels } = await changeContract(deps)(OWNER, { id, labels: { paid: 'no' } });
      assert.deepEqual([labels, await states()], [{ paid: 'no' }, ['valid', 'valid']]);
      await changeContract(deps)(OWNER, { id, terms: { ...sold, siteCaps: { ...sold.siteCaps, recovery: 1 } } });
      assert.deepEqual(await states(), ['valid', 'valid'], 'more comes with the next license');
      await lower(id);
      assert.deepEqual(await states(), ['revoked', 'valid'], 'that of the other contract stays');
      const gone = (await authoritiesOf(enterprise.slug)).find(({ state }) => state === 'revoked')!;
      assert.deepEqual(await journaled(gone.serial), ['revoked']);
      assert.deepEqual(await audited(gone.serial), ['certificate.revoked']);
      await made(id);
      assert.deepEqual(await states(), ['revoked', 'valid', 'valid']);
      assert.deepEqual(await grantedBy(enterprise.slug, id), ['development', 'recovery']);
    });

    it('a CA that has ended, while licenses below it work on in their grace', async () => {
      const { enterprise, contract: id } = await customer();
      await made(id);
      const [{ serial } = { serial: '' }] = await authoritiesOf(enterprise.slug);
      for (const table of ['serials', 'certificates']) {
        const end = `update ${table} set not_after = now() - interval '1 day' where serial = decode($1, 'hex')`;
        await workshop.database.dataSource.query(end, [serial]);
      }
      await holdEnterprise(deps)(OWNER, { id: enterprise.id });
      assert.deepEqual(await statesOf(enterprise.slug), ['held']);
      await reinstateEnterprise(deps)(OWNER, { id: enterprise.id });
      await lower(id);
      assert.deepEqual(await journaled(serial), ['held', 'reinstated', 'revoked']);
    });

    it('a contract whose CA the enterprise keeps itself, by every generation of it', async () => {
      const { enterprise, contract: id } = await customer();
      for (const csr of [requestPem(enterprise.slug), requestPem(enterprise.slug)]) {
        await delegateContract(deps)(OWNER, { id, csr });
      }
      await lower(id);
      const found = await authoritiesOf(enterprise.slug);
      assert.deepEqual(await Promise.all(found.map(({ serial }) => journaled(serial))), [['revoked'], ['revoked']]);
      assert.deepEqual(
        found.map(({ state }) => state),
        ['revoked', 'revoked'],
      );
    });

    it('a CA that its enterprise keeps and its organization revokes, which is out of office with it', async () => {
      const { enterprise, contract: id } = await customer();
      const csr = requestPem(enterprise.slug);
      await delegateContract(deps)(OWNER, { id, csr });
      assert.deepEqual(await revokeDelegated(deps)(OWNER, { id }), { revoked: 1 });
      const [{ serial } = { serial: '' }] = await authoritiesOf(enterprise.slug);
      assert.deepEqual(await journaled(serial), ['revoked']);
      assert.deepEqual(await audited(serial), ['certificate.revoked']);
      const retired = await workshop.database.run('platform', (tx) =>
        sql(tx).query(
          `select 1 from audit_log l join authorities a on l.subject = 'authority:' || a.key
            where l.action = 'authority.retired' and a.status = 'retired' and a.enterprise = $1`,
          [enterprise.slug],
        ),
      );
      assert.equal(retired.length, 1);
      await assert.rejects(delegateContract(deps)(OWNER, { id, csr }), { code: 'KEY_REUSED' });
      assert.deepEqual(await revokeDelegated(deps)(OWNER, { id }), { revoked: 0 });
    });

    it('an enterprise that is closed, and nothing brings its CA back', async () => {
      const { enterprise, contract: sold } = await customer();
      await made(sold);
      await holdEnterprise(deps)(OWNER, { id: enterprise.id });
      await closeEnterprise(deps)(OWNER, { id: enterprise.id });
      assert.deepEqual(
        (await authoritiesOf(enterprise.slug)).map(({ state }) => state),
        ['revoked'],
      );
      await assert.rejects(reinstateEnterprise(deps)(OWNER, { id: enterprise.id }), { code: 'TRANSITION_REFUSED' });
    });
  });

  it('is softer where an enterprise is suspended: its CA stays good, until it is put on hold after all', async () => {
    const { enterprise, contract: sold } = await customer();
    await made(sold);
    await suspendEnterprise(deps)(OWNER, { id: enterprise.id });
    assert.equal((await authoritiesOf(enterprise.slug))[0]?.state, 'valid');
    await holdEnterprise(deps)(OWNER, { id: enterprise.id });
    assert.equal((await authoritiesOf(enterprise.slug))[0]?.state, 'held');
    await reinstateEnterprise(deps)(OWNER, { id: enterprise.id });
    assert.equal((await authoritiesOf(enterprise.slug))[0]?.state, 'valid');
  });

  it('refuses to hold an enterprise whose CA was certified elsewhere: nothing would be held', async () => {
    const { enterprise } = await customer();
    const columns = 'kind, algorithm, held, key_identifier, certificate, addresses, status, created_at';
    await workshop.database.run('platform', (tx) =>
      sql(tx).query(
        `insert into authorities (key, organization, enterprise, parent, ${columns})
         select 'elsewhere', organization, $1, key, 'enterprise', algorithm, false, 'x', 'x', '{}', 'retired', now()
           from authorities where kind = 'organization' limit 1`,
        [enterprise.slug],
      ),
    );
    await assert.rejects(holdEnterprise(deps)(OWNER, { id: enterprise.id }), { code: 'AUTHORITY_ELSEWHERE' });
    const { status } = await suspendEnterprise(deps)(OWNER, { id: enterprise.id });
    assert.equal(status, 'suspended');
  });

  it('writes nothing anywhere when it is refused, or when the signer is away, and then works', async () => {
    const { site, license } = await made();
    await assert.rejects(retireSite(deps)(OWNER, { id: site.id, version: 77 }), { code: 'VERSION_STALE' });
    fault = {
      recordRevocations: () => Promise.reject(new AuthorityError('SIGNER_UNAVAILABLE', 'The signer is gone.')),
    };
    await assert.rejects(retireSite(deps)(OWNER, { id: site.id }), { code: 'SIGNER_UNAVAILABLE' });
    fault = {};
    assert.deepEqual([await siteStatus(site.id), await stateOf(license)], ['active', 'valid']);
    assert.deepEqual(await journaled(license.serial), []);
    await retireSite(deps)(OWNER, { id: site.id });
    assert.deepEqual([await siteStatus(site.id), await stateOf(license)], ['retired', 'revoked']);
  });

  it('leaves a contract as it was when the signer is away, and its CA as good', async () => {
    const { enterprise, contract: id } = await customer();
    await made(id);
    const before = await contractNow(id);
    fault = {
      recordRevocations: () => Promise.reject(new AuthorityError('SIGNER_UNAVAILABLE', 'The signer is gone.')),
    };
    await assert.rejects(lower(id), { code: 'SIGNER_UNAVAILABLE', kind: 'unavailable' });
    fault = {};
    assert.deepEqual(await contractNow(id), before);
    const [{ serial, state } = { serial: '', state: '' }] = await authoritiesOf(enterprise.slug);
    assert.deepEqual([state, await journaled(serial)], ['valid', []]);
    await lower(id);
    assert.deepEqual(await journaled(serial), ['revoked']);
  });

  it('does not use up what a second person has approved when it fails', async () => {
    const { enterprise, contract: id } = await customer();
    await delegateContract(deps)(OWNER, { id, csr: requestPem(enterprise.slug) });
    await workshop.database.run('platform', (tx) =>
      sql(tx).query(`update organizations set settings = settings || '{"secondPerson": true}'`),
    );
    const revoke = () => revokeDelegated(deps)(OWNER, { id, reason: 'keyCompromise' });
    await assert.rejects(revoke(), { code: 'APPROVAL_NEEDED' });
    const access = { ...deps, stores: accessStores, organizations: deps.stores.organizations };
    const approveAll = () =>
      workshop.database.run({ organization: 'demo' }, async (tx) => {
        const { items } = await accessStores.approvals.list(tx, { where: { status: 'waiting' }, limit: 9 });
        const second = { ...OWNER, id: 'person:second' };
        for (const { id: waiting } of items) await decideApproval(access, tx, second, waiting, 'approved');
        return items.length;
      });
    assert.equal(await approveAll(), 1);
    fault = { recordRevocations: () => Promise.reject(new AuthorityError('JOURNAL_FULL', 'The disk is full.')) };
    await assert.rejects(revoke(), { code: 'JOURNAL_FULL' });
    fault = {};
    assert.deepEqual(await revoke(), { revoked: 1 });
    await assert.rejects(revoke(), { code: 'APPROVAL_NEEDED' });
    // An order over many is several transactions: it is begun by the first, with which its approval is used up.
    const { serial } = (await made()).license;
    const recall = (reason: 'superseded' | 'keyCompromise') =>
      changeManyLicenses(deps)(OWNER, { order: 'recall', change: 'revoke', reason, serials: [serial], dryRun: false });
    await assert.rejects(recall('superseded'), { code: 'APPROVAL_NEEDED' });
    await approveAll();
    fault = { recordRevocations: () => Promise.reject(new AuthorityError('JOURNAL_FULL', 'The disk is full.')) };
    await assert.rejects(recall('superseded'), { code: 'JOURNAL_FULL' });
    fault = {};
    await assert.rejects(recall('keyCompromise'), { code: 'ORDER_MISMATCH' });
    assert.equal((await recall('superseded')).progress.outcomes.applied, 1);
    await workshop.database.run('platform', (tx) =>
      sql(tx).query(`update organizations set settings = settings || '{"secondPerson": false}'`),
    );
  });

  /** As if the process ended there: nothing after it happens, the transaction is rolled back. */
  const dyingAfterJournal = (): Partial<Signer> => ({
    recordRevocations: async (records) => {
      await workshop.signer.recordRevocations(records);
      throw new Error('kill -9');
    },
  });

  it('that a crash cut off between journal and database is made true at the next start, however idle it was', async () => {
    const [site, other] = [await made(), await made()];
    const { enterprise, contract: sold } = await customer();
    await made(sold);
    await workshop.database.run('platform', (tx) =>
      sql(tx).query(`update journal_marks set at = at - interval '1 hour'`),
    );
    await workshop.authority.guard.check();
    fault = dyingAfterJournal();
    await assert.rejects(retireSite(deps)(OWNER, { id: site.site.id }), /kill -9/);
    await assert.rejects(suspendSite(deps)(OWNER, { id: other.site.id }), /kill -9/);
    await assert.rejects(holdEnterprise(deps)(OWNER, { id: enterprise.id }), /kill -9/);
    assert.deepEqual([await stateOf(site.license), await siteStatus(site.site.id)], ['valid', 'active']);
    await restart();
    assert.equal(workshop.authority.fence.reason, undefined);
    assert.deepEqual([await stateOf(site.license), await stateOf(other.license)], ['revoked', 'held']);
    assert.equal((await authoritiesOf(enterprise.slug))[0]?.state, 'held');
    // What was not answered is asked for again, and is then whole.
    await retireSite(deps)(OWNER, { id: site.site.id });
    await suspendSite(deps)(OWNER, { id: other.site.id });
    await holdEnterprise(deps)(OWNER, { id: enterprise.id });
    assert.deepEqual([await siteStatus(site.site.id), await siteStatus(other.site.id)], ['retired', 'suspended']);
    await reinstateSite(deps)(OWNER, { id: other.site.id });
    await reinstateEnterprise(deps)(OWNER, { id: enterprise.id });
    assert.equal(await stateOf(other.license), 'valid');
    assert.equal((await authoritiesOf(enterprise.slug))[0]?.state, 'valid');
  });

  it('leaves no contract without a CA, whatever a crash cut off and however idle its sites are', async () => {
    const { enterprise, contract: id } = await customer();
    const kept = await customer();
    await made(id);
    await delegateContract(deps)(OWNER, { id: kept.contract, csr: requestPem(kept.enterprise.slug) });
    const before = await contractNow(id);
    await delivered(() => Promise.resolve(true));
    fault = dyingAfterJournal();
    for (const one of [id, kept.contract]) await assert.rejects(lower(one), /kill -9/);
    await restart();
    assert.deepEqual(await contractNow(id), before, 'nobody was answered');
    const customers = [enterprise.slug, kept.enterprise.slug];
    const states = () => Promise.all(customers.map(statesOf));
    assert.deepEqual(await states(), [['revoked'], ['revoked']]);
    await delivered(async () => (await states()).every((all) => all.includes('valid')));
    assert.deepEqual(await grantedBy(enterprise.slug, id), ['production', 'development']);
    for (const one of [id, kept.contract]) await lower(one);
    assert.deepEqual(await states(), [
      ['revoked', 'revoked'],
      ['revoked', 'revoked'],
    ]);
    // And here the process ends before its answer: what is left to do is in the outbox.
    await restart();
    await delivered(async () => (await states()).every((all) => all.includes('valid')));
    assert.deepEqual(await grantedBy(enterprise.slug, id), ['development', 'recovery']);
    assert.deepEqual(await grantedBy(kept.enterprise.slug, kept.contract), ['development', 'recovery']);
  });

  it('also cuts what a server of an earlier version has lowered', async () => {
    const { enterprise, contract: id } = await customer();
    await made(id);
    await delivered(() => Promise.resolve(true));
    const [{ serial } = { serial: '' }] = await authoritiesOf(enterprise.slug);
    await workshop.database.run({ organization: 'demo' }, async (tx) => {
      const found = (await deps.stores.contracts.get(tx, id))!;
      const terms = { ...found.terms, siteCaps: { development: 3 } };
      await deps.stores.contracts.replace(tx, { ...found, version: found.version + 1, terms });
      const subject = `contract:${id}`;
      const payload = { subject, actor: 'person:owner', lowers: true, raises: false };
      await outbox.publish(tx, [
        { organization: 'demo', stream: subject, type: 'contract.changed', payload, at: new Date() },
      ]);
    });
    await delivered(async () => (await journaled(serial)).length === 1);
    assert.deepEqual(await grantedBy(enterprise.slug, id), ['development']);
  });

  describe('reaches what is being made meanwhile:', () => {
    /** Runs something between the record of a certificate and its signature. */
    const whileSigning = (then: () => Promise<unknown>): void => {
      fault = {
        sign: async (requests) => {
          if (requests.some(({ kind }) => kind === 'certificate')) {
            fault = {};
            await then();
          }
          return workshop.signer.sign(requests);
        },
      };
    };

    it('a license whose site is suspended or retired', async () => {
      for (const [run, state] of [
        [suspendSite, 'held'],
        [retireSite, 'revoked'],
      ] as const) {
        const { site } = await made();
        const { token } = await createToken(deps)(OWNER, { site: site.id });
        whileSigning(() => run(deps)(OWNER, { id: site.id }));
        await assert.rejects(enrol(deps)({ token, csr: makeCsr() }), { code: 'SITE_NOT_LIVE' });
        const { items } = await deps.transactions.run({ organization: 'demo' }, (tx) =>
          deps.stores.licenses.list(tx, { site: site.id, limit: 10 }),
        );
        const serials = items.map(({ serial }) => serial);
        assert.equal(serials.length, 2, 'the one that it had, and the one that was being made');
        for (const serial of serials) {
          assert.equal(await stateOf((await deps.issuance.find('demo', serial))!), state);
          assert.equal((await journaled(serial)).length, 1);
        }
      }
    });

    it('the CA of a contract that is lowered, also its first', async () => {
      const { enterprise, contract: id } = await customer();
      whileSigning(() => lower(id));
      await made(id);
      const [authority] = await authoritiesOf(enterprise.slug);
      assert.equal(authority?.state, 'revoked');
      assert.equal((await journaled(authority?.serial ?? '')).length, 1);
      await made(id);
      assert.deepEqual(await grantedBy(enterprise.slug, id), ['development', 'recovery']);
    });

    it('the CA that an enterprise keeps for a contract that is ended', async () => {
      const { enterprise, contract: id } = await customer();
      whileSigning(() => endContract(deps)(OWNER, { id }));
      await delegateContract(deps)(OWNER, { id, csr: requestPem(enterprise.slug) });
      const [authority] = await authoritiesOf(enterprise.slug);
      assert.equal(authority?.state, 'revoked');
      assert.equal((await journaled(authority?.serial ?? '')).length, 1);
    });

    it('the CA of an enterprise that is put on hold or closed', async () => {
      for (const [run, state] of [
        [holdEnterprise, 'held'],
        [closeEnterprise, 'revoked'],
      ] as const) {
        const { enterprise, contract: sold } = await customer();
        whileSigning(() => run(deps)(OWNER, { id: enterprise.id }));
        await made(sold).catch(() => undefined);
        const [authority] = await authoritiesOf(enterprise.slug);
        assert.equal(authority?.state, state);
        assert.equal((await journaled(authority?.serial ?? '')).length, 1);
      }
    });
  });
});
