import assert from 'node:assert/strict';
import { AuthorityError } from '@licet/authority';
import { makeCsr } from '@licet/authority/workshop';
import { decodeCertificate } from '@licet/format';
import * as fc from 'fast-check';
import { sql } from '../../persistence/database.ts';
import { testDatabase, type TestDatabase } from '../../persistence/test/test-database.ts';
import type { LicetError } from '../errors.ts';
import { resolveFork } from '../licenses/fork.ts';
import { ABANDONED_AFTER_MS, judgeRenewal } from '../licenses/judge-renewal.ts';
import { renewLicense } from '../licenses/renew.ts';
import type { Site } from '../model/site.ts';
import { changeOrganization } from '../organizations/organizations.ts';
import type { IssuedLicense } from '../ports/issuance.ts';
import { updateSite } from '../sites/update-site.ts';
import { hasCode, Office, OWNER, siteActor, START } from './office.ts';

const bytes = (n: number) => Uint8Array.of(n);
const license = (publicKey: number, renewal?: [request: number, key: number, successor?: string, at?: Date]) => ({
  publicKey: bytes(publicKey),
  renewal: renewal && {
    request: bytes(renewal[0]),
    publicKey: bytes(renewal[1]),
    successor: renewal[2],
    at: renewal[3] ?? START,
  },
});

describe('The ratchet', () => {
  const later = (ms: number) => new Date(START.getTime() + ms);
  const ROWS = [
    { name: 'begins with the first request', of: license(1), ask: [7, 2], is: 'begin' },
    { name: 'continues with the same request', of: license(1, [7, 2]), ask: [7, 2], is: 'continue' },
    { name: 'repeats the answer to the same request', of: license(1, [7, 2, 's']), ask: [7, 2], is: 'repeat' },
    {
      name: 'repeats the answer to another request of the same new key',
      of: license(1, [7, 2, 's']),
      ask: [8, 2],
      is: 'repeat',
    },
    {
      name: 'takes another request with the key of the license for a clone',
      of: license(1, [7, 1, 's']),
      ask: [8, 1],
      is: 'fork',
    },
    {
      name: 'repeats the answer to the same request with the key of the license',
      of: license(1, [7, 1, 's']),
      ask: [7, 1],
      is: 'repeat',
    },
    { name: 'takes another key for a clone', of: license(1, [7, 2, 's']), ask: [8, 3], is: 'fork' },
    {
      name: 'lets another request wait',
      of: license(1, [7, 2]),
      ask: [8, 3],
      is: 'wait',
      after: ABANDONED_AFTER_MS - 1,
    },
    {
      name: 'forgets a request that nothing came of',
      of: license(1, [7, 2]),
      ask: [8, 3],
      is: 'begin',
      after: ABANDONED_AFTER_MS,
    },
  ] as const;
  for (const { name, of, ask, is, ...more } of ROWS) {
    it(name, () => {
      const asked = { request: bytes(ask[0]), publicKey: bytes(ask[1]) };
      assert.equal(judgeRenewal(of, asked, later('after' in more ? more.after : 0)), is);
    });
  }
});

describe('Renewal', function () {
  // Many small races on machines that are busy with other things.
  this.timeout(15_000);

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
  const query = <Row>(text: string, values: unknown[] = []) =>
    database.run('platform', (tx) => sql(tx).query<Row>(text, values));
  const lineageOf = async (site: Site) =>
    (await query<{ status: string; head: string }>('select * from lineages where id = $1', [site.lineage]))[0];
  const onFork = (policy: 'alarm' | 'quarantine-later' | 'quarantine-both') =>
    changeOrganization(office.deps)(OWNER, { settings: { onFork: policy } });

  it('gives the next license of the lineage', async () => {
    const { site, license: first } = await fresh();
    const second = await renew(siteActor(site), { predecessor: first.serial, csr: makeCsr() });
    assert.notEqual(second.serial, first.serial);
    const rows = await query(
      'select sequence, predecessor, status, successor from licenses where site = $1 order by sequence',
      [site.id],
    );
    assert.deepEqual(rows, [
      { sequence: 1, predecessor: null, status: 'superseded', successor: second.serial },
      { sequence: 2, predecessor: first.serial, status: 'current', successor: null },
    ]);
    assert.equal((await lineageOf(site))?.head, second.serial);
  });

  it('gives fifty copies of one request one license', async () => {
    const { site, license: first } = await fresh();
    const csr = makeCsr();
    const all = await Promise.allSettled(
      Array.from({ length: 50 }, () => renew(siteActor(site), { predecessor: first.serial, csr })),
    );
    const serials = all.flatMap((one) => (one.status === 'fulfilled' ? [one.value.serial] : []));
    assert.equal(new Set(serials).size, 1);
    for (const one of all) if (one.status === 'rejected') hasCode('RENEWAL_UNDER_WAY')(one.reason);
    assert.equal((await lineageOf(site))?.status, 'live');
  });

  it('goes on with the same request when the signer was away after it was recorded', async () => {
    const { site, license: first } = await fresh();
    const { signer } = office.shop;
    const [csr, sign] = [makeCsr(), signer.sign.bind(signer)];
    const once = () => renew(siteActor(site), { predecessor: first.serial, csr });
    signer.sign = () => Promise.reject(new AuthorityError('SIGNER_UNAVAILABLE', 'gone'));
    try {
      await assert.rejects(once(), hasCode('SIGNER_UNAVAILABLE'));
    } finally {
      signer.sign = sign;
    }
    const other = renew(siteActor(site), { predecessor: first.serial, csr: makeCsr() });
    await assert.rejects(other, hasCode('RENEWAL_UNDER_WAY'));
    const second = await once();
    assert.equal((await lineageOf(site))?.head, second.serial);
  });

  it('of fifty requests for one license gives one a license, over two servers', async () => {
    const { site, license: first } = await fresh();
    const other = renewLicense(office.deps);
    const all = await Promise.allSettled(
      Array.from({ length: 50 }, (_, i) =>
        (i % 2 === 0 ? renew : other)(siteActor(site), { predecessor: first.serial, csr: makeCsr() }),
      ),
    );
    assert.equal(all.filter(({ status }) => status === 'fulfilled').length, 1);
    const rows = await query('select 1 from licenses where predecessor = $1', [first.serial]);
    assert.equal(rows.length, 1);
  });

  it('looks up and records what arrives together as batches', async () => {
    const { contract } = await office.customer({ siteCaps: { production: 'unlimited' } });
    const sites: Awaited<ReturnType<typeof office.site>>[] = [];
    // One after the other: at once they would all wait for the row of the contract, and on a busy machine for too long.
    while (sites.length < 24) sites.push(await office.site(contract));
    office.batches.length = 0;
    await Promise.all(
      sites.map(({ site, license: { serial } }) => renew(siteActor(site), { predecessor: serial, csr: makeCsr() })),
    );
    assert.equal(
      office.batches.reduce((a, b) => a + b, 0),
      24,
    );
    assert.ok(office.batches.length < 12, `${office.batches.length} batches`);
  });

  it('of one that fails does not cost its batch mates theirs', async () => {
    const [a, b, c] = await Promise.all([fresh(), fresh(), fresh()]);
    const results = await Promise.allSettled([
      renew(siteActor(a.site), { predecessor: a.license.serial, csr: makeCsr() }),
      renew(siteActor(b.site), { predecessor: 'abcd', csr: makeCsr() }),
      renew(siteActor(b.site), { predecessor: c.license.serial, csr: makeCsr() }),
      renew(siteActor(c.site), { predecessor: c.license.serial, csr: makeCsr() }),
    ]);
    assert.deepEqual(
      results.map((one) => (one.status === 'fulfilled' ? 'ok' : (one.reason as LicetError).code)),
      ['ok', 'LICENSE_NOT_FOUND', 'LICENSE_NOT_FOUND', 'ok'],
    );
  });

  describe('of a site that changes meanwhile', () => {
    /** Holds what `wait` is called for until it is let go. */
    const gate = () => {
      const [reached, open] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const wait = async () => {
        reached.resolve();
        await open.promise;
      };
      return { wait, reached: reached.promise, open: open.resolve };
    };
    const siteOf = async () => office.site((await office.customer()).contract, { mode: 'development' });
    const change = (id: string) => updateSite(office.deps)(OWNER, { id, mode: 'production' });
    const reissueOf = async (changing: ReturnType<typeof change>) => {
      const changed = await changing;
      return 'license' in changed ? changed.license! : assert.fail('the change gave no license');
    };
    const isForkFor = async (site: Site, ...predecessors: string[]) => {
      for (const predecessor of predecessors) {
        const again = renew(siteActor(site), { predecessor, csr: makeCsr() });
        await assert.rejects(again, hasCode('CLONE_SUSPECTED'));
      }
    };

    it('is asked for again when the change comes before the request is recorded', async () => {
      const { site, license: first } = await siteOf();
      const { wait, reached, open } = gate();
      const elsewhere = new Office(database);
      const working = elsewhere.issuing;
      elsewhere.issuing = async (order) => wait().then(() => working(order));
      const csr = makeCsr();
      const late = renewLicense(elsewhere.deps)(siteActor(site), { predecessor: first.serial, csr });
      await reached;
      const reissued = await reissueOf(change(site.id));
      open();
      await assert.rejects(late, hasCode('RENEWAL_UNDER_WAY'));
      await renew(siteActor(site), { predecessor: first.serial, csr });
      await isForkFor(site, first.serial, reissued.serial);
    });

    it('has one successor when the change comes after the request was recorded', async () => {
      const { site, license: first } = await siteOf();
      const { wait, reached, open } = gate();
      const elsewhere = new Office(database);
      const { signer } = elsewhere.shop;
      const sign = signer.sign.bind(signer);
      signer.sign = async (requests) => {
        // Its CAs are signed too, before anything is recorded about the site.
        const bound = 'select 1 from licenses where serial = $1 and renewal_request is not null';
        if ((await query(bound, [first.serial])).length > 0) await wait();
        return sign(requests);
      };
      const late = renewLicense(elsewhere.deps)(siteActor(site), { predecessor: first.serial, csr: makeCsr() });
      await reached;
      const reissued = await reissueOf(change(site.id));
      open();
      await late;
      await isForkFor(site, first.serial, reissued.serial);
    });

    it('has one successor when the change is the late one', async () => {
      const { site, license: first } = await siteOf();
      const { wait, reached, open } = gate();
      const working = office.issuing;
      office.issuing = async (order) => {
        if (order.facts.kind === 'reissue') await wait();
        return working(order);
      };
      const late = change(site.id);
      await reached;
      await renew(siteActor(site), { predecessor: first.serial, csr: makeCsr() });
      open();
      const reissued = await reissueOf(late);
      office.issuing = working;
      await isForkFor(site, first.serial, reissued.serial);
    });
  });

  it('finds nothing of another organization', async () => {
    const { license: first } = await fresh();
    const stranger = { ...OWNER, organization: 'other' };
    const asked = () => ({ predecessor: first.serial, csr: makeCsr() });
    await assert.rejects(renew(stranger, asked()), hasCode('LICENSE_NOT_FOUND'));
    const name = { organization: 'acme', serial: first.serial };
    const [known] = await database.run('platform', (tx) => office.deps.stores.licenses.renewalCases(tx, [name]));
    await assert.rejects(renew(stranger, asked(), known), hasCode('LICENSE_NOT_FOUND'));
    await renew(OWNER, asked(), known);
  });

  it('of a license that another request can never renew takes the next one', async () => {
    const [a, b] = await Promise.all([fresh(), fresh()]);
    const csr = makeCsr();
    await renew(siteActor(a.site), { predecessor: a.license.serial, csr });
    await assert.rejects(renew(siteActor(b.site), { predecessor: b.license.serial, csr }), hasCode('KEY_REUSED'));
    await renew(siteActor(b.site), { predecessor: b.license.serial, csr: makeCsr() });
    assert.equal((await lineageOf(b.site))?.status, 'live');
  });

  it('is possible in the grace of the contract, to its last second', async () => {
    const { site, license: first } = await fresh();
    const end = first.notAfter.getTime() + 1_209_600_000;
    office.clock.set(new Date(end + 1));
    const csr = makeCsr();
    await assert.rejects(renew(siteActor(site), { predecessor: first.serial, csr }), hasCode('LICENSE_EXPIRED'));
    office.clock.set(new Date(end));
    await renew(siteActor(site), { predecessor: first.serial, csr });
  });

  it('answers a request that is no request with a code', async () => {
    const { site, license: first } = await fresh();
    const bad = renew(siteActor(site), { predecessor: first.serial, csr: Uint8Array.of(0x30, 0) });
    await assert.rejects(bad, hasCode('CSR_INVALID'));
  });

  describe('of a license that was renewed elsewhere', () => {
    const cloned = async () => {
      const { site, license: first } = await fresh();
      const second = await renew(siteActor(site), { predecessor: first.serial, csr: makeCsr() });
      const late = makeCsr();
      const again = () => renew(siteActor(site), { predecessor: first.serial, csr: late });
      const next = (serial = second.serial) => renew(siteActor(site), { predecessor: serial, csr: makeCsr() });
      return { site, first, second, again, next };
    };

    it('is refused, and one alert names the site', async () => {
      await onFork('quarantine-later');
      const { site, again, next } = await cloned();
      for (let i = 0; i < 3; i += 1) await assert.rejects(again(), hasCode('CLONE_SUSPECTED'));
      const alerts = await query('select kind, status, count from alerts where site = $1', [site.id]);
      assert.deepEqual(alerts, [{ kind: 'clone-suspected', status: 'open', count: 3 }]);
      const events = await query(
        `select 1 from outbox_events where type = 'site.clone-suspected' and payload ->> 'site' = $1`,
        [site.id],
      );
      assert.equal(events.length, 1);
      await next();
    });

    it('is refused for both branches where both are in quarantine', async () => {
      await onFork('quarantine-both');
      const { again, next } = await cloned();
      await assert.rejects(again(), hasCode('CLONE_SUSPECTED'));
      await assert.rejects(next(), hasCode('CLONE_SUSPECTED'));
    });

    it('goes on for both branches where there is only an alarm', async () => {
      await onFork('alarm');
      const { site, second, again, next } = await cloned();
      const branch = await again();
      assert.equal((await again()).serial, branch.serial);
      await next(second.serial);
      await next(branch.serial);
      assert.equal((await lineageOf(site))?.status, 'forked');
    });

    for (const survivor of ['first', 'second'] as const) {
      it(`goes on for the ${survivor} when an operator says that it counts`, async () => {
        await onFork('quarantine-both');
        const made = await cloned();
        await assert.rejects(made.again(), hasCode('CLONE_SUSPECTED'));
        await resolveFork(office.deps)(OWNER, { site: made.site.id, survivor: made[survivor].serial });
        await made.next(made[survivor].serial);
        const other = survivor === 'first' ? made.second : made.first;
        await assert.rejects(made.next(other.serial), hasCode('LICENSE_REVOKED'));
        const open = await query(`select 1 from alerts where site = $1 and status <> 'resolved'`, [made.site.id]);
        assert.equal(open.length, 0);
        const resolved = resolveFork(office.deps)(OWNER, { site: made.site.id, survivor: other.serial });
        await assert.rejects(resolved, hasCode('NOT_FORKED'));
      });

      it(`has the ${survivor} stand for the site, and its key get what changes, from that moment on`, async () => {
        await onFork('quarantine-both');
        const made = await cloned();
        await assert.rejects(made.again(), hasCode('CLONE_SUSPECTED'));
        const { serial, chain } = made[survivor];
        await resolveFork(office.deps)(OWNER, { site: made.site.id, survivor: serial });
        assert.equal((await lineageOf(made.site))?.head, serial);
        const { license } = await updateSite(office.deps)(OWNER, { id: made.site.id, mode: 'development' });
        const keyOf = (one: readonly Uint8Array[]) => decodeCertificate(Uint8Array.from(one[0]!)).publicKey.raw;
        assert.deepEqual(keyOf(license!.chain), keyOf(chain));
        await made.next(serial);
      });
    }
  });

  describe('of a license that two machines renewed in its grace', () => {
    const DAY = 86_400_000;
    const forked = async () => {
      await onFork('quarantine-both');
      const made = await fresh();
      office.clock.set(new Date(made.license.notAfter.getTime() + DAY));
      const ask = (serial: string) => renew(siteActor(made.site), { predecessor: serial, csr: makeCsr() });
      const second = await ask(made.license.serial);
      await assert.rejects(ask(made.license.serial), hasCode('CLONE_SUSPECTED'));
      const listed = async (site = made.site.id) => {
        const { licenses } = office.deps.stores;
        const page = await database.run({ organization: 'acme' }, (tx) =>
          licenses.forks(tx, { limit: 1000 }, office.clock.now()),
        );
        return page.items.find((fork) => fork.site === site)?.licenses.map(({ serial }) => serial);
      };
      return { ...made, first: made.license, second, ask, listed };
    };

    it('shows both, and goes on for the expired one when an operator says that it counts', async () => {
      const { site, first, second, ask, listed } = await forked();
      assert.deepEqual(await listed(), [second.serial, first.serial]);
      const { revoked } = await resolveFork(office.deps)(OWNER, { site: site.id, survivor: first.serial });
      assert.deepEqual(revoked, [second.serial]);
      assert.equal((await ask(first.serial)).fresh, true);
    });

    it('can be resolved as long as one of them works', async () => {
      const { site, second, ask, listed } = await forked();
      office.clock.set(new Date(second.notAfter.getTime() + 13 * DAY));
      assert.deepEqual(await listed(), [second.serial]);
      await resolveFork(office.deps)(OWNER, { site: site.id, survivor: second.serial });
      assert.equal((await ask(second.serial)).fresh, true);
    });
  });

  /** What a machine has on disk: its license, and the request that it is waiting for an answer to. */
  type Machine = { license: IssuedLicense; pending: Uint8Array | undefined };

  it('shows every clone at its second renewal and never raises a false alarm', async () => {
    await onFork('quarantine-later');
    const { contract } = await office.customer({ siteCaps: { production: 'unlimited' } });
    const step = fc.constantFrom('renew', 'lose the answer', 'crash before sending', 'clone', 'clone renews');
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 9 }), async (steps) => {
        const { site, license: first } = await office.site(contract);
        const machines: Machine[] = [{ license: first, pending: undefined }];
        const renewals = [0, 0];
        let caught = false;
        const run = async (at: 0 | 1, fate: 'done' | 'lost' | 'crash') => {
          const machine = machines[at];
          if (machine === undefined) return;
          machine.pending ??= makeCsr();
          if (fate === 'crash') return;
          try {
            const answer = await renew(siteActor(site), { predecessor: machine.license.serial, csr: machine.pending });
            if (fate === 'lost') return;
            machines[at] = { license: answer, pending: undefined };
            renewals[at]! += 1;
          } catch (error) {
            hasCode('CLONE_SUSPECTED')(error);
            caught = true;
          }
        };
        for (const what of steps) {
          if (what === 'clone') machines[1] ??= { ...machines[0]! };
          else if (what === 'clone renews') await run(1, 'done');
          else await run(0, what === 'renew' ? 'done' : what === 'lose the answer' ? 'lost' : 'crash');
        }
        const alarm = (await lineageOf(site))?.status === 'forked';
        assert.equal(alarm, caught);
        if (machines[1] === undefined) assert.equal(alarm, false, 'a false alarm');
        else {
          // Each machine once more, twice: whoever is second in one of them shows the clone.
          for (const at of [0, 1, 0, 1] as const) await run(at, 'done');
          assert.equal((await lineageOf(site))?.status, 'forked', 'a clone unseen');
        }
      }),
      { numRuns: 10 },
    );
  }).timeout(20_000);
});
