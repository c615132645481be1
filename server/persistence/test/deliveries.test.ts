import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Channel } from '../../licensing/model/delivery.ts';
import type { Webhook } from '../../licensing/model/receiver.ts';
import type { DeliveryClaim } from '../../licensing/ports/deliveries.ts';
import type { NewEvent } from '../../licensing/ports/outbox.ts';
import { collections } from '../licensing/collections.ts';
import { deliveries } from '../licensing/deliveries.ts';
import { outbox } from '../outbox.ts';
import { sql } from '../transactions.ts';
import { onBothHosts } from './test-database.ts';

onBothHosts('Deliveries', (getDatabase) => {
  const AT = new Date('2026-05-01T12:00:00Z');
  const platform = <T>(work: (tx: Parameters<typeof deliveries.forget>[0]) => Promise<T>) =>
    getDatabase().run('platform', work);
  const inside = <T>(organization: string, work: (tx: Parameters<typeof deliveries.forget>[0]) => Promise<T>) =>
    getDatabase().run({ organization }, work);
  afterEach(() =>
    platform(async (tx) => {
      await sql(tx).query('delete from deliveries');
      await sql(tx).query('delete from webhooks');
    }),
  );

  const webhook = async (organization = 'acme', more: Partial<Webhook> = {}): Promise<string> => {
    const one: Webhook = {
      id: randomUUID(),
      organization,
      createdAt: AT,
      updatedAt: AT,
      version: 1,
      name: 'x',
      url: 'https://example.com/',
      events: ['site.*'],
      alertKinds: [],
      enterprise: undefined,
      secrets: [],
      status: 'active',
      disabledBecause: undefined,
      failingSince: undefined,
      ...more,
    };
    await inside(organization, (tx) => collections.webhooks.insert(tx, one));
    return one.id;
  };
  const publish = (count: number, organization = 'acme') =>
    inside(organization, (tx) =>
      outbox.publish(
        tx,
        Array.from({ length: count }, (_, n): NewEvent => {
          return { organization, stream: `site:${n}`, type: 'site.changed', payload: { n }, at: AT };
        }),
      ),
    );
  const claim = (bounds: object = {}, seconds = 60, channel: Channel = 'webhook') =>
    platform((tx) => deliveries.claim(tx, channel, { limit: 100, each: 100, busy: [], ...bounds }, seconds));
  const by = (claims: readonly DeliveryClaim[], receiver: string) =>
    claims.filter((one) => one.receiver === receiver).length;
  const statusOf = async (receiver: string) =>
    (await inside('acme', (tx) => deliveries.list(tx, { receiver, limit: 100 }))).items.map(({ status }) => status);

  it('are made within minutes when they were written while the clock of the database was ahead', async () => {
    const ahead = (days: number) =>
      platform((tx) => sql(tx).query(`update deliveries set due_at = due_at + make_interval(days => $1)`, [days]));
    await webhook();
    await publish(1);
    await ahead(2);
    assert.deepEqual(await claim(), []);
    await platform((tx) => deliveries.recall(tx));
    const [one] = await claim();
    await platform((tx) => deliveries.fail(tx, one!, { answer: 500, error: 'boom' }, 41 * 3600));
    await platform((tx) => deliveries.recall(tx));
    assert.deepEqual(await claim(), [], 'it is to wait');
    await ahead(2);
    await platform((tx) => deliveries.recall(tx));
    assert.equal((await claim()).length, 1);
  });

  it('are written with the event, for the receivers of its organization alone, or not at all', async () => {
    const [own, other] = [await webhook('acme'), await webhook('initech')];
    await publish(2);
    const failing = inside('acme', async (tx) => {
      const event = { organization: 'acme', stream: 'site:1', type: 'site.changed', payload: {}, at: AT } as const;
      await outbox.publish(tx, [event]);
      throw new Error('on purpose');
    });
    await assert.rejects(failing, /on purpose/);
    const claims = await claim();
    assert.deepEqual([by(claims, own), by(claims, other)], [2, 0]);
  });

  it('are seen, replayed and thrown away by nobody of another organization', async () => {
    const id = await webhook();
    await publish(1);
    await inside('acme', (tx) => deliveries.giveUp(tx, id, 'given up'));
    const { items } = await inside('acme', (tx) => deliveries.list(tx, { receiver: id, limit: 10 }));
    const delivery = items[0]!.id;
    await inside('initech', async (tx) => {
      assert.deepEqual((await deliveries.list(tx, { receiver: id, limit: 10 })).items, []);
      assert.equal(await deliveries.replay(tx, id, delivery), false);
      assert.equal(await deliveries.replayDead(tx, id, undefined), 0);
      assert.equal(await deliveries.discard(tx, id, delivery), false);
    });
    assert.deepEqual(await statusOf(id), ['dead']);
  });

  it('are claimed by one at a time, few of each receiver, none of a busy or a disabled one', async () => {
    const [many, busy] = [await webhook(), await webhook()];
    await publish(5);
    const disabled = await webhook('acme', { status: 'disabled', disabledBecause: 'person' });
    await publish(1);
    const claims = await claim({ each: 4, busy: [busy] });
    assert.deepEqual([by(claims, many), by(claims, busy), by(claims, disabled)], [4, 0, 0]);
    const rest = await claim();
    assert.deepEqual([by(rest, many), by(rest, busy), by(rest, disabled)], [2, 6, 0]);
    assert.deepEqual(await claim(), []);
    assert.equal((await statusOf(disabled)).length, 0);
  });

  it('come back when whoever claimed them is gone, and a late claimer changes nothing', async () => {
    const id = await webhook();
    await publish(1);
    const [late] = await claim({}, 0);
    const [second] = await claim();
    assert.deepEqual([second?.id, second?.attempts], [late!.id, 2]);
    await platform((tx) => deliveries.settle(tx, late!, 200));
    assert.equal(await platform((tx) => deliveries.fail(tx, late!, { answer: 500, error: 'x' }, 'dead')), undefined);
    assert.deepEqual(await statusOf(id), ['waiting']);
    await platform((tx) => deliveries.settle(tx, second!, 200));
    assert.deepEqual(await statusOf(id), ['delivered']);
  });

  it('say since when nothing got through, until something does', async () => {
    const id = await webhook();
    await publish(2);
    const [first, second] = await claim();
    const failing = async () => (await inside('acme', (tx) => collections.webhooks.get(tx, id)))?.failingSince;
    assert.ok((await platform((tx) => deliveries.fail(tx, first!, { answer: 500, error: 'x\0y' }, 60)))! < 60);
    assert.ok(await failing());
    await platform((tx) => deliveries.settle(tx, second!, 204));
    assert.equal(await failing(), undefined);
  });

  it('are listed in pages that neither skip nor repeat, and pruned when they are old', async () => {
    const id = await webhook();
    await publish(5);
    const seen: unknown[] = [];
    let after: string | undefined;
    do {
      const query = { receiver: id, limit: 2, ...(after !== undefined && { after }) };
      const page = await inside('acme', (tx) => deliveries.list(tx, query));
      seen.push(...page.items.map(({ payload }) => payload['n']));
      after = page.next;
    } while (after !== undefined);
    assert.deepEqual(seen, [0, 1, 2, 3, 4]);
    assert.equal(await platform((tx) => deliveries.prune(tx, 1, 100)), 0);
    await platform((tx) => sql(tx).query(`update deliveries set written_at = written_at - interval '2 days'`));
    assert.deepEqual([await platform((tx) => deliveries.prune(tx, 1, 3)), (await statusOf(id)).length], [3, 2]);
  });
});
