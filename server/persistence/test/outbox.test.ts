import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';

import { LicetError } from '../../licensing/errors.ts';
import type { Backlog, Claim, NewEvent } from '../../licensing/ports/outbox.ts';
import { housekeeping } from '../../jobs/housekeeping.ts';
import { sql } from '../database.ts';
import { idempotencyKeys } from '../idempotency.ts';
import { outbox } from '../outbox.ts';
import { onBothHosts } from './test-database.ts';

const claimLost = (error: unknown): boolean => error instanceof LicetError && error.code === 'OUTBOX_CLAIM_LOST';

onBothHosts('The outbox', (getDatabase, host) => {
  let mail: string;
  let number = 0;
  beforeEach(async () => {
    await getDatabase().run('platform', async (tx) => {
      if (mail !== undefined) await outbox.unsubscribe(tx, mail);
      number += 1;
      mail = `mail-${number}`;
      await outbox.subscribe(tx, mail);
    });
  });
  const event = (stream: string, n = 0): NewEvent => ({
    organization: 'acme',
    stream,
    type: 'license.renewed',
    payload: { n },
    at: new Date('2026-05-01T12:00:00.123Z'),
  });
  const publish = (...events: NewEvent[]): Promise<readonly string[]> =>
    getDatabase().run({ organization: 'acme' }, (tx) => outbox.publish(tx, events));
  const claim = (limit = 10, seconds = 60, subscriber = mail): Promise<readonly Claim[]> =>
    getDatabase().run('platform', (tx) => outbox.claim(tx, subscriber, limit, seconds));
  const settle = (one: Claim): Promise<void> => getDatabase().run('platform', (tx) => outbox.settle(tx, one));
  const fail = (one: Claim, retry: number | 'dead'): Promise<void> =>
    getDatabase().run('platform', (tx) => outbox.fail(tx, one, 'boom', retry));
  const numbers = (claims: readonly Claim[]): unknown[] => claims.map((one) => one.event.payload['n']);
  const backlog = async (subscriber = mail): Promise<Backlog | undefined> => {
    const all = await getDatabase().run('platform', (tx) => outbox.backlog(tx));
    return all.find((one) => one.subscriber === subscriber);
  };
  const only = (claims: readonly Claim[]): Claim => {
    assert.equal(claims.length, 1);
    return claims[0]!;
  };

  it('hands an event to a subscriber as it was published, until it is settled', async () => {
    const [id] = await publish(event('site:1', 7));
    const one = only(await claim());
    assert.deepEqual(one.event, { id, ...event('site:1', 7) });
    assert.equal(one.attempts, 1);
    await settle(one);
    assert.deepEqual(await claim(), []);
    assert.equal((await backlog())?.waiting, 0);
  });

  it('knows nothing of an event whose transaction failed', async () => {
    const failing = getDatabase().run({ organization: 'acme' }, async (tx) => {
      await outbox.publish(tx, [event('site:1')]);
      throw new Error('on purpose');
    });
    await assert.rejects(failing, /on purpose/);
    assert.deepEqual(await claim(), []);
  });

  it('lets an organization publish for itself and nobody else', async () => {
    const foreign = getDatabase().run({ organization: 'globex' }, (tx) => outbox.publish(tx, [event('site:1')]));
    await assert.rejects(foreign, /row-level security/);
  });

  it('gives ids in the order of the events', async () => {
    const ids = await publish(event('a', 1), event('b', 2), event('c', 3));
    const claims = await claim();
    assert.deepEqual(
      claims.map((one) => one.event.id),
      ids,
    );
    assert.deepEqual(numbers(claims), [1, 2, 3]);
  });

  it('delivers one stream in order, one at a time, and other streams meanwhile', async () => {
    await publish(event('a', 1), event('a', 2), event('b', 3));
    const first = await claim();
    assert.deepEqual(numbers(first), [1, 3]);
    assert.deepEqual(await claim(), []);
    await settle(first[0]!);
    assert.deepEqual(numbers(await claim()), [2]);
  });

  it('lets each subscriber go at its own pace', async () => {
    const other = `${mail}-other`;
    await getDatabase().run('platform', (tx) => outbox.subscribe(tx, other));
    await publish(event('a', 1), event('a', 2));
    await settle(only(await claim()));
    await settle(only(await claim()));
    assert.deepEqual(numbers(await claim(10, 60, other)), [1]);
    await getDatabase().run('platform', (tx) => outbox.unsubscribe(tx, other));
  });

  it('gives a new subscriber what is published from then on', async () => {
    await publish(event('a', 1));
    const late = `${mail}-late`;
    await getDatabase().run('platform', (tx) => outbox.subscribe(tx, late));
    await getDatabase().run('platform', (tx) => outbox.subscribe(tx, late));
    await publish(event('a', 2));
    assert.deepEqual(numbers(await claim(10, 60, late)), [2]);
    await getDatabase().run('platform', (tx) => outbox.unsubscribe(tx, late));
  });

  it('gives a subscriber the types of events that it hears, as it said last', async () => {
    const picky = `${mail}-picky`;
    const hear = (...types: string[]): Promise<void> =>
      getDatabase().run('platform', (tx) => outbox.subscribe(tx, picky, types));
    await hear('site.created');
    await publish(event('a', 1), { ...event('b', 2), type: 'site.created' });
    assert.deepEqual(numbers(await claim(10, 60, picky)), [2]);
    await hear('license.renewed');
    await publish(event('c', 3), { ...event('d', 4), type: 'site.created' });
    assert.deepEqual(numbers(await claim(10, 60, picky)), [3]);
    await getDatabase().run('platform', (tx) => outbox.unsubscribe(tx, picky));
  });

  it('gives a crashed deliverer’s event to another when its time is over', async () => {
    await publish(event('a', 1));
    const crashed = only(await claim(10, 0.1));
    assert.deepEqual(await claim(), []);
    await pause(150);
    const next = only(await claim());
    assert.deepEqual([next.event.id, next.attempts], [crashed.event.id, 2]);
    await assert.rejects(settle(crashed), claimLost);
    await fail(crashed, 'dead');
    await settle(next);
  });

  it('has the effect of a subscriber once when it is in the transaction that settles', async () => {
    await publish(event('a', 1));
    const slow = only(await claim(10, 0.05));
    await pause(100);
    const next = only(await claim());
    const apply = (one: Claim, name: string): Promise<void> =>
      getDatabase().run('platform', async (tx) => {
        await sql(tx).query(`insert into leases values ($1, 'x', 1, now())`, [name]);
        await outbox.settle(tx, one);
      });
    await apply(next, `${mail} next`);
    await assert.rejects(apply(slow, `${mail} slow`), claimLost);
    const rows = await getDatabase().run('platform', (tx) =>
      sql(tx).query<{ name: string }>('select name from leases where name like $1', [`${mail} %`]),
    );
    assert.deepEqual(rows, [{ name: `${mail} next` }]);
  });

  it('tries again after the pause it was told, holding back the stream', async () => {
    await publish(event('a', 1), event('a', 2));
    await fail(only(await claim()), 0.2);
    assert.deepEqual(await claim(), []);
    await pause(250);
    const again = only(await claim());
    assert.deepEqual([again.event.payload['n'], again.attempts], [1, 2]);
  });

  it('keeps a dead letter with its reason, and what follows it waits', async () => {
    const [id] = await publish(event('a', 1), event('a', 2), event('b', 3));
    const [first, other] = await claim();
    await fail(first!, 'dead');
    await settle(other!);
    assert.deepEqual(await claim(), []);
    const letters = await getDatabase().run('platform', (tx) => outbox.deadLetters(tx, mail, 10));
    assert.deepEqual(
      letters.map(({ event: { id }, attempts, error }) => ({ id, attempts, error })),
      [{ id, attempts: 1, error: 'boom' }],
    );
    assert.deepEqual(await getDatabase().run('platform', (tx) => outbox.deadLetters(tx, mail, 10, id)), []);
    const { waiting, dead } = (await backlog())!;
    assert.deepEqual({ waiting, dead }, { waiting: 1, dead: 1 });
  });

  it('delivers a dead letter again when told, with fresh attempts, and then what follows', async () => {
    const [id] = await publish(event('a', 1), event('a', 2));
    await fail(only(await claim()), 'dead');
    const replay = (): Promise<boolean> => getDatabase().run('platform', (tx) => outbox.replay(tx, mail, id!));
    assert.equal(await replay(), true);
    assert.equal(await replay(), false);
    const again = only(await claim());
    assert.deepEqual([again.event.id, again.attempts], [id, 1]);
    await settle(again);
    assert.deepEqual(numbers(await claim()), [2]);
  });

  it('goes on without a dead letter that was given up', async () => {
    const [id] = await publish(event('a', 1), event('a', 2));
    await fail(only(await claim()), 'dead');
    const discard = (event: string): Promise<boolean> =>
      getDatabase().run('platform', (tx) => outbox.discard(tx, mail, event));
    assert.equal(await discard(id!), true);
    assert.equal(await discard(id!), false);
    assert.deepEqual(numbers(await claim()), [2]);
  });

  it('delivers within minutes what was written while the clock of the database was ahead', async () => {
    await publish(event('new', 1), event('under way', 2), event('tried', 3), event('to wait', 4));
    for (const [n, one] of (await claim()).slice(1).entries()) if (n > 0) await fail(one, 5 * 3600);
    await getDatabase().dataSource.query(
      `update outbox_deliveries set due_at = due_at + interval '2 days',
              attempts = case when stream = 'new' then 0 else attempts end, claim = case when stream = 'new' then null else claim end
        where subscriber = $1 and stream <> 'to wait'`,
      [mail],
    );
    assert.deepEqual(await claim(), []);
    const [job] = housekeeping({ transactions: getDatabase(), outbox, idempotencyKeys, eventDays: 7 });
    await job!.run({ slot: new Date(0), signal: new AbortController().signal, assertHeld: () => Promise.resolve() });
    assert.deepEqual(numbers(await claim()), [1, 2, 3]);
  });

  it('removes old events that nobody waits for, and no others', async () => {
    const [delivered, waiting] = await publish(event('a', 1), event('b', 2));
    await settle((await claim(1))[0]!);
    const prune = (): Promise<number> => getDatabase().run('platform', (tx) => outbox.prune(tx, 7, 1000));
    const left = async (): Promise<unknown> => {
      const rows = await getDatabase().run('platform', (tx) =>
        sql(tx).query<{ id: string }>('select id from outbox_events where id = any($1) order by position', [
          [delivered, waiting],
        ]),
      );
      return rows.map((row) => row.id);
    };
    await prune();
    assert.deepEqual(await left(), [delivered, waiting]);
    await getDatabase().dataSource.query(`update outbox_events set published_at = published_at - interval '8 days'`);
    await prune();
    assert.deepEqual(await left(), [waiting]);
  });

  if (host === 'embedded') return;

  it('delivers each of 400 events once and each stream in order with 16 deliverers at once', async () => {
    const STREAMS = 20;
    await Promise.all(
      Array.from({ length: STREAMS }, (_, stream) =>
        publish(...Array.from({ length: 20 }, (_, n) => event(`s${stream}`, n))),
      ),
    );
    const seen = new Map<string, unknown[]>();
    const deliver = async (): Promise<void> => {
      for (;;) {
        const claims = await claim(3);
        if (claims.length === 0 && (await backlog())?.waiting === 0) return;
        for (const one of claims) {
          seen.set(one.event.stream, [...(seen.get(one.event.stream) ?? []), one.event.payload['n']]);
          await settle(one);
        }
      }
    };
    await Promise.all(Array.from({ length: 16 }, deliver));
    assert.equal(seen.size, STREAMS);
    const inOrder = Array.from({ length: 20 }, (_, n) => n);
    for (const delivered of seen.values()) assert.deepEqual(delivered, inOrder);
  });
});
