import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';

import { LicetError } from '../../licensing/errors.ts';
import type { Lease } from '../../licensing/ports/leases.ts';
import { sql } from '../database.ts';
import { leases } from '../leases.ts';
import { onBothHosts } from './test-database.ts';

const lost = (error: unknown): boolean => error instanceof LicetError && error.code === 'LEASE_LOST';

onBothHosts('A lease', (getDatabase, host) => {
  let name: string;
  let number = 0;
  beforeEach(() => {
    number += 1;
    name = `lease-${number}`;
  });
  const acquire = (holder: string, seconds = 60): Promise<Lease | undefined> =>
    getDatabase().run('platform', (tx) => leases.acquire(tx, name, holder, seconds));
  const held = async (holder: string, seconds = 60): Promise<Lease> => {
    const lease = await acquire(holder, seconds);
    assert.ok(lease);
    return lease;
  };
  const renew = (lease: Lease, seconds = 60): Promise<boolean> =>
    getDatabase().run('platform', (tx) => leases.renew(tx, lease, seconds));
  const release = (lease: Lease): Promise<void> => getDatabase().run('platform', (tx) => leases.release(tx, lease));
  const assertHeld = (lease: Lease): Promise<void> =>
    getDatabase().run('platform', (tx) => leases.assertHeld(tx, lease));

  it('is had by one holder at a time, and not twice by the same', async () => {
    await held('a');
    assert.equal(await acquire('b'), undefined);
    assert.equal(await acquire('a'), undefined);
  });

  it('goes to another after it was released, with a higher token', async () => {
    const first = await held('a');
    await release(first);
    const second = await held('b');
    assert.ok(second.token > first.token);
  });

  it('goes to another after it expired, by the clock of the database', async () => {
    const first = await held('a', 0.1);
    await pause(150);
    const second = await held('b');
    assert.ok(second.token > first.token);
  });

  it('goes to another when its end is further off than any that is given: the clock was ahead', async () => {
    const move = (by: string): Promise<unknown> =>
      getDatabase().run('platform', (tx) =>
        sql(tx).query('update leases set expires_at = expires_at + $2::interval where name = $1', [name, by]),
      );
    const first = await held('a');
    await move('1 minute');
    assert.equal(await acquire('b'), undefined);
    await move('2 days');
    const second = await held('b');
    assert.ok(second.token > first.token);
    await assert.rejects(assertHeld(first), lost);
  });

  it('lives on when renewed in time', async () => {
    const lease = await held('a', 0.3);
    for (let i = 0; i < 4; i += 1) {
      await pause(100);
      assert.equal(await renew(lease, 0.3), true);
    }
    assert.equal(await acquire('b'), undefined);
  });

  it('cannot be renewed once it expired, though nobody took it', async () => {
    const lease = await held('a', 0.05);
    await pause(100);
    assert.equal(await renew(lease), false);
    await held('b');
  });

  it('cannot be renewed, released or written under by its former holder', async () => {
    const former = await held('a', 0.05);
    await pause(100);
    const now = await held('b');
    assert.equal(await renew(former), false);
    await release(former);
    await assert.rejects(assertHeld(former), lost);
    await assertHeld(now);
  });

  it('is lost for writing the moment it expires', async () => {
    const lease = await held('a', 0.1);
    await assertHeld(lease);
    await pause(150);
    await assert.rejects(assertHeld(lease), lost);
  });

  it('keeps its name apart from others', async () => {
    await held('a');
    name = `${name}-other`;
    await held('b');
  });

  if (host === 'embedded') return;

  it('goes to exactly one of 64 who ask at once, round after round', async () => {
    const tokens = [];
    for (let round = 0; round < 5; round += 1) {
      const got = await Promise.all(Array.from({ length: 64 }, (_, i) => acquire(`holder-${i}`)));
      const winners = got.filter((lease) => lease !== undefined);
      assert.equal(winners.length, 1);
      tokens.push(winners[0]!.token);
      await release(winners[0]!);
    }
    assert.deepEqual(tokens, [1n, 2n, 3n, 4n, 5n]);
  });

  it('is not taken from a writer before that has committed, even past its end', async () => {
    const lease = await held('a', 0.1);
    const order: string[] = [];
    const writer = getDatabase().run('platform', async (tx) => {
      await leases.assertHeld(tx, lease);
      await pause(300);
      await sql(tx).query('select 1');
      order.push('wrote');
    });
    await pause(200);
    const taker = acquire('b').then((taken) => order.push(taken === undefined ? 'refused' : 'taken'));
    await Promise.all([writer, taker]);
    assert.deepEqual(order, ['wrote', 'taken']);
  });
});
