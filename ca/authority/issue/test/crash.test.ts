import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeCertificate, toHex } from '@licet/format';
import { CRASH_POINTS, type CrashPoint, crashHook, noCrash } from '../crash-points.ts';
import type { IssuerGeneration } from '../issuer-generation.ts';
import type { IssueRequest } from '../prepare.ts';
import { recover } from '../recover.ts';
import { makeCsr, Workshop } from './workshop.ts';

class Crash extends Error {}

const HERE: readonly CrashPoint[] = [
  'issue.prepared',
  'issue.recorded',
  'issue.signed',
  'issue.proven',
  'issue.committed',
];

describe('issuing that is interrupted', () => {
  let shop: Workshop;
  let root: IssuerGeneration;
  let organization: IssuerGeneration;
  let enterprise: IssuerGeneration;
  let request: IssueRequest;
  beforeEach(async () => {
    shop = new Workshop();
    ({ root, organization, enterprise } = await shop.hierarchy());
    request = shop.siteRequest(enterprise);
  });

  /** The one deep check: whatever happened, this holds. */
  function checkBooks(): void {
    const { intents, certificates } = shop.store;
    const serials = intents.map(({ serial }) => toHex(serial));
    assert.equal(new Set(serials).size, serials.length, 'a serial was used twice');
    const recorded = new Set(intents.map(({ tbs }) => toHex(tbs)));
    for (const { record } of shop.signer.journal) {
      if (record.type === 'signature') assert.ok(recorded.has(toHex(record.signed!)), 'a signature without a record');
    }
    for (const certificate of certificates) {
      assert.ok(recorded.has(toHex(decodeCertificate(certificate).tbs)), 'a certificate that was never recorded');
    }
  }

  for (const point of HERE) {
    it(`by a crash at ${point} is completed or closed at the next start, and the same request gets one certificate`, async () => {
      shop.crashPoint = (reached) => {
        if (reached === point) throw new Crash(point);
      };
      await assert.rejects(shop.issuer.issue(request), Crash);
      shop.crashPoint = () => {};
      shop.now = new Date(shop.now.getTime() + 1000);
      shop.restart();
      const settled = await recover(shop.recovery(), shop.now);
      const signed = point === 'issue.signed' || point === 'issue.proven';
      assert.deepEqual(settled, { completed: signed ? 1 : 0, closed: point === 'issue.recorded' ? 1 : 0, left: [] });
      const { certificate, fresh } = await shop.issuer.issue(request);
      assert.equal(fresh, point === 'issue.prepared' || point === 'issue.recorded');
      assert.deepEqual((await shop.issuer.issue(request)).certificate, certificate);
      checkBooks();
    });
  }

  it('is not done twice by a recovery that itself is interrupted', async () => {
    shop.crashPoint = (reached) => {
      if (reached === 'issue.signed') throw new Crash(reached);
    };
    await assert.rejects(shop.issuer.issue(request), Crash);
    shop.now = new Date(shop.now.getTime() + 1000);
    shop.store.failNext('commit', 'after');
    await assert.rejects(recover(shop.recovery(), shop.now), /after commit/);
    assert.deepEqual(await recover(shop.recovery(), shop.now), { completed: 0, closed: 0, left: [] });
    shop.crashPoint = () => {};
    assert.equal((await shop.restart().issue(request)).fresh, false);
    checkBooks();
  });

  const crashOnceSigned = async (asked: IssueRequest): Promise<void> => {
    shop.crashPoint = (reached) => {
      if (reached === 'issue.signed') throw new Crash(reached);
    };
    await assert.rejects(shop.issuer.issue(asked), Crash);
    shop.crashPoint = () => {};
  };

  it('is completed also when all CAs above were certified anew meanwhile', async () => {
    await crashOnceSigned(request);
    shop.now = new Date(shop.now.getTime() + 86_400_000);
    await shop.certifiedAnew(enterprise, await shop.certifiedAnew(organization, root));
    shop.restart();
    assert.deepEqual(await recover(shop.recovery(), shop.now), { completed: 1, closed: 0, left: [] });
    assert.equal((await shop.issuer.issue(request)).fresh, false);
    checkBooks();
  });

  it('holds up no other when it can be neither completed nor closed', async () => {
    await crashOnceSigned(request);
    const other = await shop.ca(organization, 'enterprise');
    await crashOnceSigned(shop.siteRequest(other, { key: { csr: makeCsr() }, keyOwner: 'lineage 2' }));
    shop.generations.delete(enterprise.key);
    shop.now = new Date(shop.now.getTime() + 1000);
    const { completed, closed, left } = await recover(shop.recovery(), shop.now);
    assert.deepEqual([completed, closed, left.map(({ reason }) => reason.code)], [1, 0, ['KEY_UNKNOWN']]);
    await assert.rejects(shop.issuer.issue(request), { code: 'KEY_UNKNOWN' });
    shop.generations.set(enterprise.key, enterprise);
    assert.equal((await shop.issuer.issue(request)).fresh, false);
    checkBooks();
  });

  it('completes many in one run, also beyond a page of the store and of the journal', async () => {
    shop.crashPoint = (reached) => {
      if (reached === 'issue.signed') throw new Crash(reached);
    };
    const csr = makeCsr();
    const results = await Promise.allSettled(
      Array.from({ length: 600 }, (_, i) => shop.issuer.issue({ ...request, key: { csr }, principal: `site ${i}` })),
    );
    assert.ok(results.every(({ status }) => status === 'rejected'));
    shop.now = new Date(shop.now.getTime() + 1000);
    assert.deepEqual(await recover(shop.recovery(), shop.now), { completed: 600, closed: 0, left: [] });
    checkBooks();
  }).timeout(10_000);

  for (const call of ['reserve', 'commit'] as const) {
    for (const when of ['before', 'after'] as const) {
      it(`by a store that fails ${when} ${call} is repaired by asking again`, async () => {
        shop.store.failNext(call, when);
        await assert.rejects(shop.issuer.issue(request), new RegExp(`${when} ${call}`));
        if (call === 'reserve' && when === 'after') {
          // The intent belongs to nobody who is known here, so its time must pass first.
          await assert.rejects(shop.issuer.issue(request), { code: 'REQUEST_PENDING' });
          shop.now = new Date(shop.now.getTime() + 31_000);
        }
        const { certificate } = await shop.issuer.issue(request);
        assert.deepEqual((await shop.issuer.issue(request)).certificate, certificate);
        checkBooks();
      });
    }
  }

  for (const when of ['before', 'ordered', 'signed'] as const) {
    it(`by a signer that fails with the request ${when} is repaired by asking again`, async () => {
      shop.signer.failNext(when);
      await assert.rejects(shop.issuer.issue(request), { code: 'SIGNER_UNAVAILABLE' });
      const { certificate, fresh } = await shop.issuer.issue(request);
      // What was signed before its answer was lost is that answer.
      assert.equal(fresh, when !== 'signed');
      assert.deepEqual((await shop.issuer.issue(request)).certificate, certificate);
      checkBooks();
    });
  }

  it('does not take over what another process may still be doing', async () => {
    const other = new Workshop();
    Object.assign(other, { store: shop.store, signer: shop.signer, generations: shop.generations });
    other.restart();
    let attempt: Promise<void> | undefined;
    shop.crashPoint = (reached) => {
      if (reached === 'issue.recorded') {
        attempt ??= assert.rejects(other.issuer.issue(request), { code: 'REQUEST_PENDING' });
      }
    };
    const { certificate } = await shop.issuer.issue(request);
    await attempt;
    assert.notEqual(attempt, undefined);
    assert.deepEqual((await other.issuer.issue(request)).certificate, certificate);
  });

  it('hands out nothing that was given up meanwhile', async () => {
    let closing: Promise<void> | undefined;
    shop.crashPoint = (reached) => {
      if (reached === 'issue.signed') closing ??= shop.store.close([shop.store.intents.at(-1)!], 'given up');
    };
    const stored = shop.store.certificates.length;
    await assert.rejects(shop.issuer.issue(request), { code: 'REQUEST_PENDING' });
    await closing;
    assert.equal(shop.store.certificates.length, stored);
    const { certificate } = await shop.issuer.issue(request);
    assert.deepEqual((await shop.issuer.issue(request)).certificate, certificate);
    checkBooks();
  });

  it('gives fifty copies of one request, sent at once, one certificate', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => shop.issuer.issue(request)));
    assert.equal(new Set(answers.map(({ certificate }) => toHex(certificate))).size, 1);
    checkBooks();
  });

  it('lets a request that the signer refuses fail alone in its batch', async () => {
    const csr = makeCsr();
    const requests = Array.from({ length: 9 }, (_, i) => ({ ...request, key: { csr }, principal: `site ${i}` }));
    shop.signer.refuses = ({ bytes }) => toHex(bytes) === toHex(shop.store.intents.at(-4)!.tbs);
    const results = await Promise.allSettled(requests.map((each) => shop.issuer.issue(each)));
    assert.deepEqual(results.map(({ status }) => status).toSorted(), [
      ...Array.from({ length: 8 }, () => 'fulfilled'),
      'rejected',
    ]);
    checkBooks();
  });

  it('forms batches by itself', async () => {
    const csr = makeCsr();
    shop.signer.batches = [];
    await Promise.all(
      Array.from({ length: 200 }, (_, i) => shop.issuer.issue({ ...request, key: { csr }, principal: `site ${i}` })),
    );
    assert.ok(shop.signer.batches.length <= 4, `batches of ${shop.signer.batches.join(', ')}`);
  });

  it('notices randomness that repeats itself', async () => {
    const fixed = new Uint8Array(16).fill(7);
    shop.random.bytes = () => fixed;
    await shop.issuer.issue(request);
    await assert.rejects(shop.issuer.issue({ ...request, key: { csr: makeCsr() } }), { code: 'SERIAL_TAKEN' });
  });
});

describe('The crash hook of a drill', () => {
  it('is called at every point that is named', () => {
    const house = join(import.meta.dirname, '../../../..');
    const sources = globSync('{ca,server}/**/*.ts', { cwd: house, exclude: ['**/test/**', '**/node_modules/**'] })
      .filter((file) => !file.endsWith('crash-points.ts'))
      .map((file) => readFileSync(join(house, file), 'utf8'))
      .join('');
    const missing = Object.keys(CRASH_POINTS).filter((point) => !new RegExp(`rashPoint\\('${point}'\\)`).test(sources));
    assert.deepEqual(missing, []);
  });

  it('is nothing without its variable, ends at the passing that it names, and refuses what is no point', () => {
    let ended = 0;
    const end = (): void => void (ended += 1);
    assert.equal(crashHook(undefined, end), noCrash);
    const hook = crashHook('issue.signed:2', end);
    hook('issue.signed');
    hook('issue.proven');
    assert.equal(ended, 0);
    hook('issue.signed');
    assert.equal(ended, 1);
    for (const wrong of ['issue.nowhere', 'issue.signed:0', 'issue.signed:x', '']) {
      assert.throws(() => crashHook(wrong, end), /LICET_CRASH_AT names no crash point/);
    }
  });
});
