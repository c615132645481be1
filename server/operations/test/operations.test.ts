import assert from 'node:assert/strict';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LicetError } from '../../licensing/errors.ts';
import { createMetrics } from '../../metrics/metrics.ts';
import { createLiveness } from '../liveness.ts';
import { createOperations } from '../pages.ts';
import { type ReadinessCheck, createReadiness } from '../readiness.ts';

const pass: ReadinessCheck = { name: 'signer', check: () => Promise.resolve() };
const fail: ReadinessCheck = { name: 'database', check: () => Promise.reject(new Error('no room left')) };

const block = (ms: number) => {
  const until = performance.now() + ms;
  while (performance.now() < until);
};

describe('readiness', () => {
  it('is when all checks pass', async () => {
    const state = await createReadiness([pass], 100).state();
    assert.deepEqual([state.isReady, state.checks[0]?.ok], [true, true]);
  });

  it('is not when one fails, and says which and why', async () => {
    const { isReady, checks } = await createReadiness([pass, fail], 100).state();
    assert.equal(isReady, false);
    assert.deepEqual(
      checks.map(({ name, ok, detail }) => ({ name, ok, detail })),
      [
        { name: 'signer', ok: true, detail: undefined },
        { name: 'database', ok: false, detail: 'no room left' },
      ],
    );
  });

  it('says with what passes that somebody has to do something soon', async () => {
    const soon = { name: 'crls', check: () => Promise.resolve('the list of the root ends tomorrow') };
    const { isReady, checks } = await createReadiness([soon], 100).state();
    assert.deepEqual([isReady, checks[0]?.ok, checks[0]?.detail], [true, true, 'the list of the root ends tomorrow']);
  });

  it('is not when a check does not answer in time, and the check is told to stop', async () => {
    let told: AbortSignal | undefined;
    const hang: ReadinessCheck = {
      name: 'database',
      check: (signal) => {
        told = signal;
        return new Promise(() => undefined);
      },
    };
    const { isReady, checks } = await createReadiness([hang], 20).state();
    assert.deepEqual([isReady, checks[0]?.detail, told?.aborted], [false, 'no answer within 20 ms', true]);
  });

  it('is while the thread is so busy that an answer is only seen late', async () => {
    const turns = async () => {
      for (let turn = 0; turn < 4; turn += 1) {
        await new Promise((resolve) => setImmediate(resolve));
        block(50);
      }
    };
    assert.equal((await createReadiness([{ name: 'signer', check: turns }], 100).state()).isReady, true);
  });

  describe('of a check that waits in vain', () => {
    const hang = () => new Promise<never>(() => undefined);
    const busy = () => Promise.reject(new LicetError('unavailable', 'DATABASE_BUSY', 'The database is busy.'));
    const stateOf = (check: ReadinessCheck['check'], work: number) => {
      let done = 0;
      const progress = () => (done += work);
      return createReadiness([{ name: 'database', check, progress }], 20).state();
    };

    it('is all the same where others are served meanwhile: busy is not broken', async () => {
      for (const check of [hang, busy]) {
        const { isReady, checks } = await stateOf(check, 1);
        assert.equal(isReady, true);
        assert.match(checks[0]?.detail ?? '', /^busy, and serving others: /);
      }
    });

    it('is not where nobody is served', async () => {
      for (const check of [hang, busy]) assert.equal((await stateOf(check, 0)).isReady, false);
    });

    it('is not where it is said what is broken, whoever is served', async () => {
      const full = () => Promise.reject(new Error('no room left'));
      assert.equal((await stateOf(full, 1)).isReady, false);
      const gone = () => Promise.reject(new LicetError('unavailable', 'DATABASE_READ_ONLY', 'It takes no writes.'));
      assert.equal((await stateOf(gone, 1)).isReady, false);
    });
  });

  it('asks once for all who want to know at the same time', async () => {
    let asked = 0;
    const readiness = createReadiness([{ name: 'a', check: () => Promise.resolve(void asked++) }], 100);
    await Promise.all([readiness.state(), readiness.state()]);
    await readiness.state();
    assert.equal(asked, 1);
  });

  it('ends with the shutdown, also for an answer that was on its way', async () => {
    const slow = Promise.withResolvers<void>();
    const readiness = createReadiness([{ name: 'a', check: () => slow.promise }], 1000);
    const early = readiness.state();
    readiness.close('stopping');
    slow.resolve();
    assert.deepEqual([(await early).isReady, (await readiness.state()).reason], [false, 'stopping']);
  });
});

describe('liveness', () => {
  const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

  it('outlives one long stall in a window of small ones', async () => {
    const liveness = createLiveness({ windowMs: 800, longestMeanMs: 150 });
    await wait(300);
    block(400);
    await wait(200);
    assert.equal(liveness.state().isAlive, true);
    assert.ok(liveness.delay().max > 0.3, `${liveness.delay().max}`);
    liveness.stop();
  });

  it('ends when the event loop is never free', async () => {
    const liveness = createLiveness({ windowMs: 500, longestMeanMs: 150 });
    // Which timer comes first after a stall is chance; two whole windows are not.
    for (let i = 0; i < 6 && liveness.state().isAlive; i++) {
      block(250);
      await wait(0);
    }
    assert.equal(liveness.state().isAlive, false);
    liveness.stop();
  });
});

describe('the operations listener', () => {
  let server: Server;
  let url: string;
  const readiness = createReadiness([fail], 100);
  const liveness = createLiveness();
  before(async () => {
    const metrics = createMetrics({ version: '0', routes: [], jobs: [] });
    server = createServer(createOperations({ liveness, readiness, metrics })).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => {
    liveness.stop();
    server.close();
    server.closeAllConnections();
  });

  it('a server whose database is away lives, but is not ready', async () => {
    assert.equal((await fetch(`${url}/livez`)).status, 200);
    const response = await fetch(`${url}/readyz?verbose`);
    const body = (await response.json()) as { status: string };
    assert.deepEqual([response.status, body.status], [503, 'not ready']);
  });

  it('serves the metrics as text', async () => {
    const response = await fetch(`${url}/metrics`);
    assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
    assert.match(await response.text(), /^# HELP /);
  });

  it('knows nothing else, and takes nothing', async () => {
    assert.equal((await fetch(`${url}/debug`)).status, 404);
    assert.equal((await fetch(`${url}/__proto__`)).status, 404);
    assert.equal((await fetch(`${url}/livez`, { method: 'POST' })).status, 405);
  });
});
