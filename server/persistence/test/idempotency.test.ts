import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';

import { LicetError } from '../../licensing/errors.ts';
import type { IdempotencyClaim, KeptAnswer, KeyedRequest } from '../../licensing/ports/idempotency.ts';
import { sql } from '../database.ts';
import { idempotencyKeys } from '../idempotency.ts';
import { onBothHosts } from './test-database.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const withCode = (code: string) => (error: unknown) => error instanceof LicetError && error.code === code;
const answer: KeptAnswer = { status: 201, headers: { location: '/sites/1' }, body: '{"name":"Übergabe\\0"}' };

onBothHosts('An idempotency key', (getDatabase, host) => {
  let request: KeyedRequest;
  let number = 0;
  beforeEach(() => {
    number += 1;
    request = {
      organization: 'acme',
      principal: 'token:1',
      key: `key-${number}`,
      method: 'POST',
      route: '/sites',
      body: bytes('{"name":"one"}'),
    };
  });
  const scope = { organization: 'acme' };
  const begin = (change: Partial<KeyedRequest> = {}, seconds = 60): ReturnType<typeof idempotencyKeys.begin> =>
    getDatabase().run('platform', (tx) => idempotencyKeys.begin(tx, { ...request, ...change }, seconds));
  const claimed = async (change: Partial<KeyedRequest> = {}, seconds = 60): Promise<IdempotencyClaim> => {
    const begun = await begin(change, seconds);
    assert.ok('claim' in begun, 'claimed');
    return begun.claim;
  };
  const finish = (claim: IdempotencyClaim, kept = answer): Promise<void> =>
    getDatabase().run(scope, (tx) => idempotencyKeys.finish(tx, claim, kept, 24));
  const owner = (query: string, ...values: unknown[]): Promise<unknown> =>
    getDatabase().run('platform', (tx) => sql(tx).query(query, values));

  it('gives the same answer to the same request, byte for byte', async () => {
    await finish(await claimed());
    assert.deepEqual(await begin(), { answer });
    assert.deepEqual(await begin(), { answer });
  });

  const others: readonly (readonly [string, Partial<KeyedRequest>])[] = [
    ['body', { body: bytes('{"name":"two"}') }],
    ['body, though empty', { body: new Uint8Array() }],
    ['route', { route: '/enterprises' }],
    ['method', { method: 'PUT' }],
  ];
  for (const [what, change] of others) {
    it(`is refused for another ${what}, in flight and afterwards`, async () => {
      const claim = await claimed();
      await assert.rejects(begin(change), withCode('IDEMPOTENCY_KEY_REUSED'));
      await finish(claim);
      await assert.rejects(begin(change), withCode('IDEMPOTENCY_KEY_REUSED'));
    });
  }

  it('says that the request is in flight, and when to ask again', async () => {
    await claimed();
    await assert.rejects(
      begin(),
      (error: unknown) =>
        error instanceof LicetError && error.code === 'IDEMPOTENCY_IN_FLIGHT' && error.retryAfterSeconds === 1,
    );
  });

  it('stands alone for each principal and each organization', async () => {
    await finish(await claimed());
    await claimed({ principal: 'token:2' });
    await claimed({ organization: 'globex' });
  });

  it('is invisible to another organization', async () => {
    await finish(await claimed());
    const rows = await getDatabase().run({ organization: 'globex' }, (tx) =>
      sql(tx).query('select key from idempotency_keys where key = $1', [request.key]),
    );
    assert.deepEqual(rows, []);
  });

  it('is taken over from a holder that crashed, and that one can finish no more', async () => {
    const crashed = await claimed({}, 0.05);
    await pause(100);
    const next = await claimed();
    await assert.rejects(finish(crashed), withCode('IDEMPOTENCY_CLAIM_LOST'));
    await finish(next);
    assert.deepEqual(await begin(), { answer });
  });

  it('is not given to another request when its holder crashed', async () => {
    await claimed({}, 0.05);
    await pause(100);
    await assert.rejects(begin({ body: bytes('other') }), withCode('IDEMPOTENCY_KEY_REUSED'));
  });

  it('undoes the effect of a holder that was too slow', async () => {
    const slow = await claimed({}, 0.05);
    await pause(100);
    await finish(await claimed());
    const effect = getDatabase().run('platform', async (tx) => {
      await sql(tx).query(`insert into leases values ('slow effect', 'x', 1, now())`);
      await idempotencyKeys.finish(tx, slow, answer, 24);
    });
    await assert.rejects(effect, withCode('IDEMPOTENCY_CLAIM_LOST'));
    assert.deepEqual(await owner(`select 1 from leases where name = 'slow effect'`), []);
  });

  it('is free again when released, and an answer is not released', async () => {
    const release = (claim: IdempotencyClaim): Promise<void> =>
      getDatabase().run(scope, (tx) => idempotencyKeys.release(tx, claim));
    await release(await claimed());
    const claim = await claimed({ body: bytes('other') });
    await finish(claim);
    await release(claim);
    assert.deepEqual(await begin({ body: bytes('other') }), { answer });
  });

  it('is forgotten after its retention and not before', async () => {
    await finish(await claimed());
    const prune = (): Promise<number> => getDatabase().run('platform', (tx) => idempotencyKeys.prune(tx, 100));
    const age = (hours: number): Promise<unknown> =>
      owner(`update idempotency_keys set expires_at = expires_at - make_interval(hours => $1)`, hours);
    await age(23);
    assert.deepEqual(await begin(), { answer });
    assert.equal(await prune(), 0);
    await age(1);
    await claimed({ body: bytes('anything') });
    await age(25);
    assert.ok((await prune()) >= 1);
    assert.deepEqual(await owner('select 1 from idempotency_keys where key = $1', request.key), []);
  });

  it('is not kept for less than 24 hours', async () => {
    const claim = await claimed();
    const short = getDatabase().run(scope, (tx) => idempotencyKeys.finish(tx, claim, answer, 23));
    await assert.rejects(short, RangeError);
  });

  for (const [what, key] of [
    ['is empty', ''],
    ['is longer than 255', 'k'.repeat(256)],
    ['contains a space', 'a b'],
    ['contains a control character', 'a\u0007'],
    ['is not ASCII', 'schlüssel'],
  ] as const) {
    it(`is refused when it ${what}`, () => assert.rejects(begin({ key }), withCode('IDEMPOTENCY_KEY_INVALID')));
  }

  it('may be 255 characters long', () => claimed({ key: 'k'.repeat(255) }));

  if (host === 'embedded') return;

  it('lets exactly one of 64 through who ask at once, and tells the others to come back', async () => {
    const results = await Promise.allSettled(Array.from({ length: 64 }, () => begin()));
    const through = results.filter((result) => result.status === 'fulfilled');
    assert.equal(through.length, 1);
    const refused = results.filter((result) => result.status === 'rejected');
    assert.ok(refused.every((result) => withCode('IDEMPOTENCY_IN_FLIGHT')(result.reason)));
  });
});
