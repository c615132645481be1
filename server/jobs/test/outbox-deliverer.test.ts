import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';

import type { NewEvent } from '../../licensing/ports/outbox.ts';
import { seededRandom } from '../../licensing/test/seeded-random.ts';
import { sql } from '../../persistence/database.ts';
import { outbox } from '../../persistence/outbox.ts';
import { testDependencies } from '../../persistence/test/dependencies.ts';
import { onBothHosts } from '../../persistence/test/test-database.ts';
import { type Deliverer, retryPause, startDeliverer, type Subscriber } from '../outbox-deliverer.ts';

onBothHosts('The outbox deliverer', (getDatabase) => {
  let name: string;
  let number = 0;
  let deliverers: Deliverer[];
  let results: string[];
  beforeEach(function () {
    // A failed delivery waits for a second, and the next for two.
    this.currentTest?.timeout(10_000);
    number += 1;
    name = `subscriber-${number}`;
    deliverers = [];
    results = [];
  });
  afterEach(async () => {
    await Promise.all(deliverers.map((deliverer) => deliverer.stop(0)));
    await getDatabase().run('platform', (tx) => outbox.unsubscribe(tx, name));
  });

  const start = async (
    subscriber: Subscriber,
    more: { pollMs?: number; leaseSeconds?: number } = {},
  ): Promise<Deliverer> => {
    const deliverer = await startDeliverer([subscriber], {
      transactions: getDatabase(),
      outbox,
      random: seededRandom(name),
      log: testDependencies().log,
      onDelivery: ({ result }) => results.push(result),
      pollMs: 20,
      ...more,
    });
    deliverers.push(deliverer);
    return deliverer;
  };
  const publish = (...streams: string[]): Promise<readonly string[]> =>
    getDatabase().run('platform', (tx) =>
      outbox.publish(
        tx,
        streams.map((stream, n): NewEvent => {
          return { organization: 'acme', stream, type: 'license.renewed', payload: { n }, at: new Date(0) };
        }),
      ),
    );
  const until = async (condition: () => boolean): Promise<void> => {
    for (let waited = 0; !condition(); waited += 5) {
      if (waited > 8_000) assert.fail('it did not happen in time');
      await pause(5);
    }
  };

  it('brings every event to its subscriber, each stream in order', async () => {
    const seen: string[] = [];
    await start({
      name,
      send: async ({ stream, payload }) => {
        await pause(stream === 'a' ? 5 : 0);
        seen.push(`${stream}${String(payload['n'])}`);
      },
    });
    await publish('a', 'b', 'a', 'b', 'a');
    await until(() => seen.length === 5);
    assert.deepEqual(
      seen.filter((one) => one.startsWith('a')),
      ['a0', 'a2', 'a4'],
    );
    assert.deepEqual(
      seen.filter((one) => one.startsWith('b')),
      ['b1', 'b3'],
    );
  });

  it('delivers at once when nudged, however rarely it polls', async () => {
    const seen: string[] = [];
    const deliverer = await start({ name, send: async ({ id }) => void seen.push(id) }, { pollMs: 60_000 });
    await pause(50);
    const ids = await publish('a');
    deliverer.nudge();
    await until(() => seen.length === 1);
    assert.deepEqual(seen, ids);
  });

  it('tries again with the same id after a failure', async () => {
    const seen: string[] = [];
    await start({
      name,
      send: async ({ id }) => {
        seen.push(id);
        if (seen.length === 1) throw new Error('boom');
      },
    });
    const [id] = await publish('a');
    await until(() => results.length === 2);
    assert.deepEqual(seen, [id, id]);
    assert.deepEqual(results, ['failed', 'delivered']);
  });

  it('makes a dead letter of what failed for the sixteenth time', async () => {
    await getDatabase().run('platform', (tx) => outbox.subscribe(tx, name));
    const [id] = await publish('a');
    await getDatabase().dataSource.query('update outbox_deliveries set attempts = 15 where subscriber = $1', [name]);
    const deliverer = await start({ name, send: () => Promise.reject(new Error('boom')) }, { pollMs: 60_000 });
    await until(() => results.length === 1);
    await deliverer.stop();
    assert.deepEqual(results, ['dead']);
    const letters = await getDatabase().run('platform', (tx) => outbox.deadLetters(tx, name, 10));
    assert.deepEqual(
      letters.map(({ event, error, attempts }) => ({ id: event.id, error, attempts })),
      [{ id, error: 'boom', attempts: 16 }],
    );
  });

  it('has the effect of a subscriber in the database exactly once, with four deliverers and failures', async () => {
    await getDatabase().dataSource.query(`create table if not exists effects (subscriber text, n text);
      grant all on effects to licet_platform`);
    let calls = 0;
    const apply: Subscriber = {
      name,
      apply: async (event, tx) => {
        await sql(tx).query('insert into effects values ($1, $2)', [name, event.stream]);
        calls += 1;
        if (calls % 7 === 0) throw new Error('after the effect');
      },
    };
    await Promise.all(Array.from({ length: 4 }, () => start(apply)));
    await publish(...Array.from({ length: 40 }, (_, n) => `stream-${n}`));
    await until(() => results.filter((result) => result === 'delivered').length === 40);
    const rows = await getDatabase().run('platform', (tx) =>
      sql(tx).query<{ n: string }>('select n from effects where subscriber = $1', [name]),
    );
    assert.equal(rows.length, 40);
    assert.equal(new Set(rows.map((row) => row.n)).size, 40);
    assert.ok(results.includes('failed'));
  });

  it('waits for the delivery that is running when it stops', async () => {
    let over = false;
    const begun = Promise.withResolvers<void>();
    const deliverer = await start({
      name,
      send: async () => {
        begun.resolve();
        await pause(100);
        over = true;
      },
    });
    await publish('a', 'a');
    await begun.promise;
    await deliverer.stop();
    assert.equal(over, true);
    assert.deepEqual(results, ['delivered']);
  });

  it('tells a delivery to end that takes too long', async () => {
    const reasons: unknown[] = [];
    await start(
      {
        name,
        send: (_event, signal) =>
          new Promise((_, reject) => {
            signal.addEventListener('abort', () => {
              reasons.push(signal.reason);
              reject(signal.reason as Error);
            });
          }),
      },
      { leaseSeconds: 0.2 },
    );
    await publish('a');
    await until(() => results.length === 1);
    assert.match(String(reasons[0]), /timeout/i);
    assert.deepEqual(results, ['failed']);
  });
});

describe('The pause before the next try', () => {
  it('doubles from a second to six hours, and never shrinks below half of that', () => {
    const random = seededRandom('pauses');
    for (let attempts = 1; attempts <= 16; attempts += 1) {
      const longest = Math.min(2 ** (attempts - 1), 21_600);
      for (let i = 0; i < 50; i += 1) {
        const seconds = retryPause(attempts, random);
        assert.ok(seconds >= longest / 2 && seconds <= longest, `${attempts}: ${seconds}`);
      }
    }
  });

  it('differs from one to the next', () => {
    const random = seededRandom('pauses');
    assert.equal(new Set(Array.from({ length: 50 }, () => retryPause(10, random))).size, 50);
  });
});
