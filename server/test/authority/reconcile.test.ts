import assert from 'node:assert/strict';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mock } from 'node:test';
import { beginJournal, createRevoker, loadProfiles, renewResponders, type RevocationEvent } from '@licet/authority';
import { fromHex } from '@licet/format';
import { checkWholeJournal } from '../../authority/journal-check.ts';
import type { JournalMarks } from '../../authority/ports/journal-marks.ts';
import { acceptJournal, compareJournal } from '../../authority/journal-watch.ts';
import { reconcile } from '../../authority/reconcile.ts';
import type { IssuedLicense } from '../../licensing/ports/issuance.ts';
import { auditLog } from '../../persistence/audit-log.ts';
import { makeCertificatePartitions } from '../../persistence/authority/partitions.ts';
import { licenseRecords } from '../../persistence/licensing/license-records.ts';
import { sql } from '../../persistence/transactions.ts';
import { systemClock } from '../../clock.ts';
import { copyOfTemplate } from '../../persistence/test/embedded-template.ts';
import { systemRandom as random } from '../../random.ts';
import { caRequest, contract, CONTRACT, licenseOrder, lineageOf, Workshop } from './workshop.ts';

describe('a database beside the journal of its signer', function () {
  this.timeout(30_000);
  let workshop: Workshop;
  beforeEach(async () => {
    workshop = await Workshop.open();
  });
  afterEach(() => workshop.close());
  afterEach(() => mock.timers.reset());

  const issue = (number: number): Promise<IssuedLicense> =>
    workshop.authority.issuance.issue(licenseOrder(lineageOf(number)));

  const idOf = async ({ serial }: IssuedLicense) => {
    const role = { organization: 'demo', kind: 'enterprise', enterprise: 'globex', contract: CONTRACT } as const;
    const by = await workshop.authority.directory.active(role);
    return { issuer: by!.authority.key, serial: fromHex(serial) };
  };

  const revoke = async (license: IssuedLicense, type: RevocationEvent['type'] = 'revoke') => {
    const event = type === 'revoke' ? ({ type, reason: 'keyCompromise' } as const) : { type };
    const order = { organization: 'demo', event, principal: 'user:test', context: {} };
    return workshop.authority.revoker.change(order, await idOf(license));
  };

  /** What the domain knows again is the matter of `reconcile-domain.test.ts`. */
  const putBack = async () => {
    const { domain: _, ...done } = await reconcile({
      ...workshop.authority.journal,
      licenses: licenseRecords,
      auditLog,
      random,
      publish: workshop.authority.publish,
      makePartitions: async (from) => {
        await workshop.database.run('platform', (tx) => makeCertificatePartitions(tx, from));
      },
    });
    return done;
  };

  const restart = async (between: () => void = () => undefined): Promise<void> => {
    await workshop.stop();
    between();
    await workshop.start();
  };

  it('that agree start without a fence, also after a stop without a last look', async () => {
    await issue(1);
    await restart();
    assert.equal(workshop.authority.fence.reason, undefined);
    assert.equal((await issue(2)).fresh, true);
  });

  it('stay level when the server is killed again and again, and each time leaves a revocation behind', async () => {
    const { journal } = workshop.authority;
    const began = Date.now();
    for (let round = 0; round < 6; round += 1) {
      const { issuer: key, serial } = await idOf(await issue(round));
      const at = new Date(began + round * 50_000);
      await workshop.signer.recordRevocations([{ key, serial, event: 'revoked', reason: 1, at }]);
      const clock = { now: () => new Date(at.getTime() + 1000) };
      assert.deepEqual(await compareJournal({ ...journal, clock }), { state: 'level' }, `round ${round}`);
    }
    const later = { now: () => new Date(began + 320_000) };
    assert.deepEqual(await compareJournal({ ...journal, clock: later }), { state: 'level' });
    const [found] = await workshop.database.run('platform', (tx) =>
      sql(tx).query<{ count: string }>('select count(*) from revocations where reason = 1'),
    );
    assert.equal(found?.count, '6');
  });

  it('are not taken for level when all that an old backup lacks is a revocation of this minute', async () => {
    const { journal } = workshop.authority;
    const { issuer: key, serial } = await idOf(await issue(1));
    const day = Date.now() + 86_400_000;
    await workshop.signer.recordRevocations([{ key, serial, event: 'revoked', reason: 1, at: new Date(day) }]);
    const stateAfter = async (ms: number) =>
      (await compareJournal({ ...journal, clock: { now: () => new Date(day + ms) } })).state;
    assert.equal(await stateAfter(1000), 'level', 'it may be under way');
    assert.equal(await stateAfter(61_000), 'behind');
  });

  describe('whose clock was ahead', () => {
    const DAY_MS = 86_400_000;
    /** Twice a minute the two are found to be level, by whatever clock. */
    const lookAhead = async () => {
      const clock = { now: () => new Date(Date.now() + DAY_MS) };
      assert.deepEqual(await compareJournal({ ...workshop.authority.journal, clock }), { state: 'level' });
    };

    it('fence the server when a backup of that time is restored', async () => {
      const license = await issue(1);
      await lookAhead();
      await restart(() => workshop.backUp());
      await revoke(license);
      await restart(() => workshop.restore());
      assert.match(workshop.authority.fence.reason ?? '', /0 more certificates and 1 more revocations/);
      assert.equal((await putBack()).revocations, 1);
    });

    it('have what a crash of that time left behind made true at once when it is right again', async () => {
      const id = await idOf(await issue(1));
      await lookAhead();
      const at = new Date(Date.now() + DAY_MS);
      const line = { key: id.issuer, serial: id.serial, event: 'revoked', reason: 1, at } as const;
      await workshop.signer.recordRevocations([line]);
      // As a server that is not alone on its database.
      assert.deepEqual(await compareJournal(workshop.authority.journal), { state: 'level' });
      const [known] = await workshop.authority.revocations.find([id]);
      assert.equal(known?.state.state, 'revoked');
    });
  });

  it('F8: a restored backup fences the server; after reconcile no serial is lost and nothing is un-revoked', async () => {
    const before = await issue(1);
    await restart(() => workshop.backUp());
    const after = [await issue(2), await issue(3), await issue(4)];
    await revoke(before);
    await revoke(after[0]!);
    await revoke(after[1]!, 'hold');
    const ids = await Promise.all([before, ...after].map(idOf));
    const states = () => workshop.authority.revocations.find(ids);
    const wanted = await states();

    await restart(() => workshop.restore());
    assert.match(workshop.authority.fence.reason ?? '', /older than the signer's journal, which knows 3 more/);
    await assert.rejects(issue(5), {
      name: 'LicetError',
      code: 'FENCED',
      kind: 'unavailable',
      message: /3 more revocations: run "licet reconcile"\. Until then nothing is issued, revoked or changed\.$/,
    });

    const done = await putBack();
    assert.deepEqual(done, { authorities: 0, certificates: 3, serials: 0, revocations: 3 });
    assert.deepEqual(
      (await states()).map((known) => [known?.state.state, known?.graceUntil]),
      wanted.map((known) => [known?.state.state, known?.graceUntil]),
    );
    assert.deepEqual(
      wanted.map((known) => known?.state.state),
      ['revoked', 'revoked', 'held', 'valid'],
    );
    await workshop.authority.guard.check();
    assert.equal(workshop.authority.fence.reason, undefined);
    assert.equal((await issue(6)).fresh, true);
    assert.deepEqual(await putBack(), { authorities: 0, certificates: 0, serials: 0, revocations: 0 });
  });

  it('keep revoked what has a line behind that in the journal, as an older version wrote it in the same moment', async () => {
    const licenses = [await issue(1), await issue(2)] as const;
    await revoke(licenses[0], 'hold');
    await restart(() => workshop.backUp());
    const ids = await Promise.all(licenses.map(idOf));
    const late = [{ event: 'reinstated', reason: 8 } as const, { event: 'held', reason: 6 } as const];
    for (const [index, license] of licenses.entries()) {
      await revoke(license);
      const { issuer: key, serial } = ids[index]!;
      await workshop.signer.recordRevocations([{ key, serial, ...late[index]!, at: new Date() }]);
    }
    // Of this minute, so made true at the start.
    await restart(() => workshop.restore());
    assert.equal(workshop.authority.fence.reason, undefined);
    const known = await workshop.authority.revocations.find(ids);
    assert.deepEqual(
      known.map((one) => one?.state.state),
      ['revoked', 'revoked'],
    );
  });

  it('say the same of a license that several suspend and reinstate in the same moment', async () => {
    const id = await idOf(await issue(1));
    const { journal, revocations, revoker } = workshop.authority;
    const stateNow = async () => (await revocations.find([id]))[0]?.state.state;
    const order = (type: 'hold' | 'reinstate') =>
      ({ organization: 'demo', event: { type }, principal: 'user:test', context: {} }) as const;
    /** Another process: it looks now, and is overtaken before it has changed anything. */
    const overtaken = async (type: 'hold' | 'reinstate', by: () => Promise<unknown>): Promise<void> => {
      const overtaking = Promise.withResolvers<void>();
      const late = async <T>(found: Promise<T>): Promise<T> => {
        const known = await found;
        await overtaking.promise;
        return known;
      };
      const find: typeof revocations.find = (ids) => late(revocations.find(ids));
      const change: typeof revocations.change = (...asked) =>
        overtaking.promise.then(() => revocations.change(...asked));
      const other = createRevoker({
        signer: workshop.signer,
        clock: systemClock,
        store: { ...revocations, find, change },
      });
      const done = other.change(order(type), id);
      await new Promise((resolve) => setTimeout(resolve, 100));
      await by();
      overtaking.resolve();
      await done;
      const state = await stateNow();
      const clock = { now: () => new Date(Date.now() + 61_000) };
      assert.deepEqual(await compareJournal({ ...journal, clock }), { state: 'level' });
      assert.equal(await stateNow(), state);
    };
    await overtaken('reinstate', () => revoker.change(order('hold'), id));
    await overtaken('hold', async () => {
      await revoker.change(order('hold'), id);
      await revoker.change(order('reinstate'), id);
    });
    await overtaken('hold', () => revoker.change(order('reinstate'), id));
  });

  it('puts licenses back whose CAs were certified anew after them', async () => {
    const before = await issue(1);
    await restart(() => workshop.backUp());
    const licenses = [before, await issue(2)];
    mock.timers.enable({ apis: ['Date'], now: Date.now() + 3_600_000 });
    // What the second adds the organization's CA does not have, which therefore is certified anew as well.
    for (const [number, features] of [['press'], ['fax', 'press']].entries()) {
      const changed = contract({ sequence: number + 2, features });
      licenses.push(await workshop.authority.issuance.issue(licenseOrder(lineageOf(number + 3), changed)));
    }
    await restart(() => workshop.restore());
    assert.deepEqual(await putBack(), { authorities: 2, certificates: 6, serials: 0, revocations: 0 });
    const known = await workshop.authority.revocations.find(await Promise.all(licenses.map(idOf)));
    assert.ok(known.every((one) => one?.state.state === 'valid'));
    await workshop.authority.guard.check();
    assert.equal(workshop.authority.fence.reason, undefined);
  });

  it('starts although an order of before its CA was certified anew is unfinished', async () => {
    await issue(1);
    const { store } = workshop.authority;
    const commit = store.commit.bind(store);
    store.commit = () => Promise.reject(new Error('gone'));
    await assert.rejects(issue(2), /gone/);
    store.commit = commit;
    mock.timers.enable({ apis: ['Date'], now: Date.now() + 60_000 });
    const smaller = contract({ sequence: 2, features: ['press'] });
    await workshop.authority.issuance.issue(licenseOrder(lineageOf(3), smaller));
    await restart();
    assert.deepEqual(await workshop.authority.settle(0), { completed: 0, closed: 0, left: [] });
  });

  it('go on beside older keys of a CA that was certified anew, whether reconciled or not', async () => {
    await issue(1);
    const keys = join(workshop.folder, 'signer/keys');
    const copy = join(workshop.folder, 'keys');
    await restart(() => cpSync(keys, copy, { recursive: true }));
    const more = contract({ sequence: 2, features: ['fax', ...contract().features] });
    const issueMore = (number: number) => workshop.authority.issuance.issue(licenseOrder(lineageOf(number), more));
    const { chain } = await issueMore(2);
    const goBack = () => {
      rmSync(keys, { recursive: true });
      cpSync(copy, keys, { recursive: true });
    };
    for (const [number, isReconciled] of [false, true].entries()) {
      await restart(goBack);
      assert.equal(workshop.authority.fence.reason, undefined);
      if (isReconciled) assert.equal((await putBack()).authorities, 0);
      await assert.rejects(issueMore(3 + number), { code: 'ISSUER_CHANGED', message: /ask again/ });
      assert.deepEqual((await issueMore(3 + number)).chain.slice(1), chain.slice(1));
    }
  });

  it('puts an authority back whose contract was activated after the backup', async () => {
    await restart(() => workshop.backUp());
    const license = await issue(1);
    const id = await idOf(license);
    await restart(() => workshop.restore());
    assert.notEqual(workshop.authority.fence.reason, undefined);
    const done = await putBack();
    // The organization's CA was certified anew for the features of this contract, and the enterprise's made.
    assert.deepEqual([done.authorities, done.certificates], [2, 3]);
    assert.deepEqual(await idOf(license), id);
    await workshop.authority.guard.check();
    assert.deepEqual((await issue(1)).chain.slice(1), license.chain.slice(1));
  });

  it('leaves each key to its owner: CAs are certified anew, responders renewed and licenses with their keys', async () => {
    await restart(() => workshop.backUp());
    const { issuance } = workshop.authority;
    const first = licenseOrder(lineageOf(1));
    await issuance.issue(first);
    const responders = () =>
      renewResponders({
        signer: workshop.signer,
        issuer: workshop.authority.issuer,
        profile: loadProfiles().ocsp,
        clock: systemClock,
        generations: () => workshop.authority.directory.held(),
        report: ({ error }) => assert.fail(String(error)),
      });
    assert.equal(await responders(), 3);
    await restart(() => workshop.restore());
    await putBack();
    await workshop.authority.guard.check();
    mock.timers.enable({ apis: ['Date'], now: Date.now() + 4 * 86_400_000 });
    assert.equal(await responders(), 3);
    const more = contract({ sequence: 2, features: ['fax', ...contract().features] });
    const again = { ...licenseOrder(lineageOf(1), more), key: first.key, ground: 'renewal' };
    await workshop.authority.issuance.issue(again);
    await assert.rejects(workshop.authority.issuance.issue({ ...licenseOrder(lineageOf(2), more), key: first.key }), {
      code: 'KEY_REUSED',
    });
  });

  it('knows again for which contract it certified the CA that an enterprise keeps, and revokes that with the others', async () => {
    const of = { organization: 'demo', enterprise: 'globex', contract: contract() };
    await workshop.authority.delegation.certify(of, caRequest('globex'));
    await restart(() => workshop.backUp());
    const less = contract({ sequence: 2, features: ['press'] });
    await workshop.changeStatus({ type: 'revoke', reason: 'superseded' }, { enterprise: 'globex', above: less });
    await workshop.authority.delegation.follow({ ...of, contract: less });
    await restart(() => workshop.restore());
    assert.equal((await putBack()).certificates, 1);
    await workshop.authority.guard.check();
    const kept = { enterprise: 'globex', delegatedFor: CONTRACT };
    assert.equal(await workshop.changeStatus({ type: 'revoke', reason: 'keyCompromise' }, kept), 1);
  });

  it('that was lost altogether: reconcile puts back all that the journal knows', async () => {
    const licenses = [await issue(1), await issue(2)];
    await revoke(licenses[1]!);
    const ids = await Promise.all(licenses.map(idOf));
    const empty = await copyOfTemplate();
    await restart(() => {
      rmSync(workshop.data, { recursive: true });
      cpSync(empty, workshop.data, { recursive: true });
      rmSync(empty, { recursive: true });
    });
    assert.match(workshop.authority.fence.reason ?? '', /knows \d+ more certificates .*: run "licet reconcile"/);
    const { authorities, revocations } = await putBack();
    assert.deepEqual([authorities, revocations], [4, 1]);
    await restart();
    assert.equal(workshop.authority.fence.reason, undefined);
    const states = (await workshop.authority.revocations.find(ids)).map((known) => known?.state.state);
    assert.deepEqual(states, ['valid', 'revoked']);
  });

  it('refuses to start when the journal is lost, and says what to do', async () => {
    await issue(1);
    const journal = join(workshop.folder, 'signer/journal');
    await assert.rejects(
      restart(() => rmSync(journal, { recursive: true })),
      { code: 'JOURNAL_LOST', message: /put its newest copy back, or, .* run "licet keys begin-journal --folder/ },
    );
    await workshop.database.close();
    await beginJournal(journal, systemClock);
    await assert.rejects(workshop.start(), /is not the one that the database has seen: .* --accept-journal"\.$/);
    await acceptJournal(workshop.authority.journal);
    await restart();
    assert.equal(workshop.authority.fence.reason, undefined);
    assert.equal((await issue(2)).fresh, true);
  });

  it('are compared anew when asked, and not with what was read before', async () => {
    const watch = workshop.authority.guard.watch((error) => assert.fail(String(error)));
    const { signer } = workshop;
    const before = signer.journalHead.bind(signer);
    const asked: (() => void)[] = [];
    const nextAsked = async () => {
      while (asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      return asked.shift()!;
    };
    signer.journalHead = () => new Promise((resolve) => asked.push(() => resolve(before())));
    const running = workshop.authority.guard.check();
    const first = await nextAsked();
    watch.look();
    first();
    await running;
    const second = await nextAsked();
    signer.journalHead = before;
    second();
    await watch.stop();
  });

  it('refuses to count from a journal that is not lost, which would forget what it alone knows', async () => {
    const license = await issue(1);
    await restart(() => workshop.backUp());
    await revoke(license);
    await restart(() => workshop.restore());
    await assert.rejects(acceptJournal(workshop.authority.journal), /none is lost: run "licet reconcile"/);
  });

  it('refuses to start when the journal is an old copy', async () => {
    await issue(1);
    const journal = join(workshop.folder, 'signer/journal');
    await restart(() => cpSync(journal, join(workshop.folder, 'old'), { recursive: true }));
    await issue(2);
    await workshop.authority.guard.check();
    const start = restart(() => {
      cpSync(journal, join(workshop.folder, 'newest'), { recursive: true });
      rmSync(journal, { recursive: true });
      cpSync(join(workshop.folder, 'old'), journal, { recursive: true });
    });
    await assert.rejects(start, /ends before entry \d+, which the database has seen: .* --accept-journal"\.$/);
    const newest = join(workshop.folder, 'newest');
    await acceptJournal(workshop.authority.journal);
    await restart();
    assert.equal((await issue(3)).fresh, true);
    await workshop.authority.guard.check();
    // The other one would know nothing of that: from now on it is the wrong one.
    const back = restart(() => {
      rmSync(journal, { recursive: true });
      cpSync(newest, journal, { recursive: true });
    });
    await assert.rejects(back, /ends before entry|is not the one that the database has seen/);
  });

  it('a contract that changes has its CA certified anew under the same key', async () => {
    await issue(1);
    const role = { organization: 'demo', kind: 'enterprise', enterprise: 'globex', contract: CONTRACT } as const;
    const first = (await workshop.authority.directory.active(role))!;
    const smaller = contract({ sequence: 2, features: ['press'] });
    const license = await workshop.authority.issuance.issue(licenseOrder(lineageOf(2), smaller));
    const second = (await workshop.authority.directory.active(role))!;
    assert.equal(second.authority.key, first.authority.key);
    assert.deepEqual(second.generation.claims?.features, ['press']);
    assert.equal(license.chain.length, 4);
  });

  it('has its whole journal read, and a line that was changed is found', async () => {
    await issue(1);
    await workshop.authority.guard.check();
    const { signal } = new AbortController();
    // To its end: the line that keeps the signature itself follows the one that was waited for.
    const { sequence: before } = await workshop.signer.journalHead();
    const read = await checkWholeJournal(workshop.authority.journal, signal);
    const { sequence: after } = await workshop.signer.journalHead();
    assert.ok(before <= read && read <= after, `read to ${read}, and it ended at ${before}, then at ${after}`);
    const marks: JournalMarks = {
      get: async () => ({ sequence: 3n, hash: new Uint8Array(32), at: new Date() }),
      advance: async () => undefined,
      replace: async () => undefined,
    };
    const foreign = checkWholeJournal({ ...workshop.authority.journal, marks }, signal);
    await assert.rejects(foreign, /Entry 3 of the signer's journal is not the one that was written/);
    const path = join(workshop.folder, 'signer/journal/journal-00000000000000000001.lj');
    const bytes = readFileSync(path);
    bytes[300]! ^= 1;
    writeFileSync(path, bytes);
    await assert.rejects(checkWholeJournal(workshop.authority.journal, signal), { code: 'JOURNAL_CORRUPT' });
  });
});
