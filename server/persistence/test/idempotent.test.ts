import assert from 'node:assert/strict';

import { LicetError, OutcomeUnknown } from '../../licensing/errors.ts';
import { idempotent, type IdempotentOptions, type Keep } from '../../licensing/idempotent.ts';
import type { KeptAnswer } from '../../licensing/ports/idempotency.ts';
import { housekeeping } from '../../jobs/housekeeping.ts';
import { sql } from '../database.ts';
import { idempotencyKeys } from '../idempotency.ts';
import { outbox } from '../outbox.ts';
import { onBothHosts } from './test-database.ts';

const withCode = (code: string) => (error: unknown) => error instanceof LicetError && error.code === code;
const created: KeptAnswer = { status: 201, headers: {}, body: '1' };
const refused: KeptAnswer = { status: 409, headers: {}, body: '2' };

onBothHosts('A request with an idempotency key', (getDatabase, host) => {
  let key: string;
  let number = 0;
  beforeEach(() => {
    number += 1;
    key = `request-${number}`;
  });
  before(() =>
    getDatabase().dataSource.query(
      'create table work (key text); grant all on work to licet_platform, licet_application',
    ),
  );
  const effect = async (keep: Keep, fail?: Error): Promise<KeptAnswer> => {
    await getDatabase().run({ organization: 'acme' }, async (tx) => {
      await sql(tx).query('insert into work values ($1)', [key]);
      await keep(tx, created);
      if (fail !== undefined) throw fail;
    });
    return created;
  };
  const send = (work: (keep: Keep) => Promise<KeptAnswer>, options?: IdempotentOptions): Promise<KeptAnswer> => {
    const request = { organization: 'acme', principal: 'p', key, method: 'POST', route: '/', body: new Uint8Array() };
    return idempotent({ transactions: getDatabase(), keys: idempotencyKeys }, request, work, options);
  };
  const effects = async (): Promise<number> =>
    (await getDatabase().run('platform', (tx) => sql(tx).query('select 1 from work where key = $1', [key]))).length;

  it('has its effect once and its answer every time', async () => {
    for (let i = 0; i < 3; i += 1) assert.deepEqual(await send((keep) => effect(keep)), created);
    assert.equal(await effects(), 1);
  });

  it('may be sent again at once after an error that may pass, and nothing of the first try stays', async () => {
    await assert.rejects(
      send((keep) => effect(keep, new Error('passing'))),
      /passing/,
    );
    assert.equal(await effects(), 0);
    assert.deepEqual(await send((keep) => effect(keep)), created);
    assert.equal(await effects(), 1);
  });

  it('keeps the answer to an error that is final', async () => {
    let calls = 0;
    const answerTo = (): KeptAnswer => refused;
    const fails = (): Promise<never> => {
      calls += 1;
      return Promise.reject(new LicetError('conflict', 'SITE_SUSPENDED', 'no'));
    };
    assert.deepEqual(await send(fails, { answerTo }), refused);
    assert.deepEqual(await send(fails, { answerTo }), refused);
    assert.equal(calls, 1);
  });

  it('finds the answer when the commit was done although its outcome was unknown', async () => {
    const broken = send(async (keep) => {
      await effect(keep);
      throw new OutcomeUnknown(new Error('the link broke'));
    });
    await assert.rejects(broken, withCode('OUTCOME_UNKNOWN'));
    assert.deepEqual(await send(() => assert.fail('must not work again')), created);
    assert.equal(await effects(), 1);
  });

  it('is cleared away by housekeeping when its time is over', async () => {
    await send((keep) => effect(keep));
    await getDatabase().dataSource.query(`update idempotency_keys set expires_at = now() - interval '1 second'`);
    await getDatabase().dataSource.query(
      `insert into outbox_events (organization, stream, type, payload, at, published_at)
       select 'acme', 's', 't', '{}', now(), now() - interval '8 days' from generate_series(1, 2500)`,
    );
    const signal = new AbortController().signal;
    for (const job of housekeeping({ transactions: getDatabase(), outbox, idempotencyKeys, eventDays: 7 })) {
      await job.run({ slot: new Date(0), signal, assertHeld: () => Promise.resolve() });
    }
    const [left] = await getDatabase().run('platform', (tx) =>
      sql(tx).query<{ keys: string; events: string }>(
        'select (select count(*) from idempotency_keys) as keys, (select count(*) from outbox_events) as events',
      ),
    );
    assert.deepEqual(left, { keys: '0', events: '0' });
  });

  if (host === 'embedded') return;

  it('has its effect once when 64 send it at once', async () => {
    const results = await Promise.allSettled(Array.from({ length: 64 }, () => send((keep) => effect(keep))));
    const failed = results.filter((result) => result.status === 'rejected');
    assert.ok(failed.every((result) => withCode('IDEMPOTENCY_IN_FLIGHT')(result.reason)));
    assert.ok(failed.length < 64);
    assert.equal(await effects(), 1);
  });
});
