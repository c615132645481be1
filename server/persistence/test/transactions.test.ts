import assert from 'node:assert/strict';

import { LicetError } from '../../licensing/errors.ts';
import type { Scope, Transaction, TransactionOptions } from '../../licensing/ports/transactions.ts';
import { sql } from '../database.ts';
import { protect } from '../migrations/protect.ts';
import { onBothHosts } from './test-database.ts';

const A = { organization: 'a' };

onBothHosts('A transaction', (getDatabase) => {
  before(async () => {
    const { dataSource } = getDatabase();
    await dataSource.query('create table notes (organization text not null, n bigint not null, text text)');
    await dataSource.query('create table records (organization text not null, text text)');
    const rules = [...protect('notes'), ...protect('records', { rows: 'append-only' })];
    for (const statement of rules) await dataSource.query(statement);
  });

  const add = (tx: Transaction, n: number, organization = 'a'): Promise<unknown> =>
    sql(tx).query('insert into notes values ($1, $2, $3)', [organization, n, 'x']);
  const count = async (n: number): Promise<number> =>
    (await getDatabase().run('platform', (tx) => sql(tx).query('select from notes where n = $1', [n]))).length;
  /** Fails as PostgreSQL does, so often. */
  const failing = (state: string, times: number): ((tx: Transaction) => Promise<void>) => {
    let left = times;
    return async (tx) => {
      left -= 1;
      if (left >= 0) await sql(tx).query(`do $$ begin raise exception 'on purpose' using errcode = '${state}'; end $$`);
    };
  };

  it('keeps what it wrote when its work resolves', async () => {
    assert.equal(await getDatabase().run(A, async (tx) => (await add(tx, 1), 'result')), 'result');
    assert.equal(await count(1), 1);
  });

  it('keeps nothing when its work rejects', async () => {
    const work = getDatabase().run(A, async (tx) => {
      await add(tx, 2);
      throw new Error('on purpose');
    });
    await assert.rejects(work, /on purpose/);
    assert.equal(await count(2), 0);
  });

  it('sees, changes and adds only rows of its organization', async () => {
    const database = getDatabase();
    await database.run({ organization: 'b' }, (tx) => add(tx, 3, 'b'));
    await database.run(A, async (tx) => {
      assert.deepEqual(await sql(tx).query('select * from notes where n = 3'), []);
      await sql(tx).query('update notes set n = 33 where n = 3');
      await sql(tx).query('delete from notes where n = 3');
    });
    assert.equal(await count(3), 1);
    await assert.rejects(
      database.run(A, (tx) => add(tx, 3, 'b')),
      { code: '42501' },
    );
  });

  it('shows a statement that is prepared once to everybody their own rows only', async () => {
    const database = getDatabase();
    for (const organization of ['a', 'b', 'c']) await database.run({ organization }, (tx) => add(tx, 4, organization));
    const seen = async (scope: Scope): Promise<string[]> => {
      const ask = (tx: Transaction) =>
        sql(tx).prepared<{ organization: string }>('select organization from notes where n = $1 order by 1', [4]);
      return (await database.run(scope, ask)).map(({ organization }) => organization);
    };
    // Often enough that PostgreSQL keeps a plan for good, and in turns, so that it meets the plans of others.
    for (let i = 0; i < 8; i += 1) {
      assert.deepEqual(await seen('platform'), ['a', 'b', 'c']);
      for (const organization of ['a', 'b', 'c', 'd']) {
        assert.deepEqual(await seen({ organization }), organization === 'd' ? [] : [organization]);
      }
    }
  });

  it('plans to read by index, also what is small enough at that moment to be read as a whole', async () => {
    const database = getDatabase();
    await database.dataSource.query('create table small (name text primary key)');
    await database.dataSource.query('grant select on small to licet_platform');
    await database.dataSource.query(`insert into small values ('x')`);
    await database.dataSource.query('analyze small');
    const plan = await database.run('platform', (tx) =>
      sql(tx).query<{ 'QUERY PLAN': string }>('explain select from small where name = $1', ['x']),
    );
    assert.match(plan[0]!['QUERY PLAN'], /Index/);
  });

  it('takes an organization with quotes and backslashes as a name and not as SQL', async () => {
    for (const organization of [`o'b`, `a' or 'a`, `\\'; reset role; --`, `\\`]) {
      const rows = await getDatabase().run({ organization }, (tx) =>
        sql(tx).query('select licet_organization() as it, current_user as role'),
      );
      assert.deepEqual(rows, [{ it: organization, role: 'licet_application' }]);
    }
    await assert.rejects(
      getDatabase().run({ organization: '' }, async () => undefined),
      /non-empty/,
    );
  });

  it('leaves neither role nor organization behind on its connection', async () => {
    await getDatabase().run(A, (tx) => add(tx, 4));
    const rows: unknown = await getDatabase().dataSource.query(
      'select licet_organization() as organization, current_user = session_user as own',
    );
    assert.deepEqual(rows, [{ organization: null, own: true }]);
  });

  it('cannot change or remove append-only rows, in any scope', async () => {
    const database = getDatabase();
    await database.run(A, (tx) => sql(tx).query(`insert into records values ('a', 'kept')`));
    for (const scope of [A, 'platform'] as const) {
      for (const statement of [`update records set text = 'x'`, 'delete from records', 'truncate records']) {
        await assert.rejects(
          database.run(scope, (tx) => sql(tx).query(statement)),
          { code: '42501' },
        );
      }
    }
  });

  it('tries again after a serialization failure or a deadlock', async () => {
    for (const state of ['40001', '40P01']) {
      const work = failing(state, 3);
      await getDatabase().run(A, async (tx) => (await work(tx), add(tx, 5)));
    }
    assert.equal(await count(5), 2);
  });

  it('gives up after a bounded number of tries and says to come back', async () => {
    let tries = 0;
    const work = failing('40001', Infinity);
    const attempt = getDatabase().run(A, (tx) => (tries++, work(tx)));
    await assert.rejects(attempt, { kind: 'unavailable', code: 'DATABASE_CONTENDED', retryAfterSeconds: 1 });
    assert.equal(tries, 6);
  });

  it('does not try again after any other error', async () => {
    let tries = 0;
    const work = failing('23505', Infinity);
    await assert.rejects(
      getDatabase().run(A, (tx) => (tries++, work(tx))),
      { code: '23505' },
    );
    assert.equal(tries, 1);
  });

  it('loses no increment when many count at once', async () => {
    await getDatabase().run(A, (tx) => add(tx, 0));
    const increment = async (tx: Transaction): Promise<void> => {
      const [row] = await sql(tx).query<{ text: string | null }>('select text from notes where n = 0 for update');
      await sql(tx).query('update notes set text = $1 where n = 0', [String(Number(row?.text ?? 0) + 1)]);
    };
    await getDatabase().run(A, (tx) => sql(tx).query(`update notes set text = '0' where n = 0`));
    await Promise.all(Array.from({ length: 10 }, () => getDatabase().run(A, increment)));
    const rows = await getDatabase().run(A, (tx) => sql(tx).query('select text from notes where n = 0'));
    assert.deepEqual(rows, [{ text: '10' }]);
  });

  it('is not entered by a query from outside', async () => {
    const database = getDatabase();
    let outside: Promise<number> | undefined;
    const work = database.run(A, async (tx) => {
      await add(tx, 6);
      outside = count(6);
      await sql(tx).query('select pg_sleep(0.05)');
      throw new Error('on purpose');
    });
    await assert.rejects(work, /on purpose/);
    assert.equal(await outside, 0);
  });

  it('rejects when a failed statement was swallowed, for then nothing was committed', async () => {
    const work = getDatabase().run(A, async (tx) => {
      await add(tx, 7);
      await sql(tx)
        .query('select 1/0')
        .catch(() => undefined);
    });
    await assert.rejects(work, /did not commit/);
    assert.equal(await count(7), 0);
  });

  it('keeps what a statement wrote that it did not wait for', async () => {
    await getDatabase().run(A, async (tx) => sql(tx).unawaited(add(tx, 29)));
    assert.equal(await count(29), 1);
  });

  it('fails for the reason of a statement that it did not wait for, whatever came after', async () => {
    const work = getDatabase().run(A, async (tx) => {
      await add(tx, 30);
      sql(tx).unawaited(sql(tx).query('select 1/0'));
      await add(tx, 30);
    });
    await assert.rejects(work, { code: '22012' });
    await assert.rejects(
      getDatabase().run(A, async (tx) => sql(tx).unawaited(add(tx, 30, 'b'))),
      { code: '42501' },
    );
    assert.equal(await count(30), 0);
  });

  it('tries again when a statement that it did not wait for met others', async () => {
    const meet = failing('40001', 1);
    await getDatabase().run(A, async (tx) => {
      sql(tx).unawaited(meet(tx));
      sql(tx).unawaited(add(tx, 31).catch(() => undefined));
    });
    assert.equal(await count(31), 1);
  });

  it('takes no statement of work that goes on after another part of it has failed', async () => {
    const database = getDatabase();
    let late: Promise<unknown> | undefined;
    const work = database.run(A, (tx) => {
      const session = sql(tx);
      late = add(tx, 32).then(() => session.query(`insert into notes values ('a', 32, 'late')`));
      return Promise.all([session.query('select 1/0'), late]);
    });
    await assert.rejects(work, { code: '22012' });
    await assert.rejects(late!);
    assert.equal(await count(32), 0);
  });

  it('is closed to statements once it has ended', async () => {
    let kept: Transaction | undefined;
    await getDatabase().run(A, async (tx) => void (kept = tx));
    assert.throws(() => sql(kept!), /has ended/);
  });

  it('refuses to write when it was begun read-only', async () => {
    await assert.rejects(
      getDatabase().run(A, (tx) => add(tx, 8), { readOnly: true }),
      { code: '25006' },
    );
  });

  it('gives nothing of what was read on the heels of a beginning that failed', async () => {
    const isolation = 'no such level' as 'serializable';
    let seen: unknown;
    const work = async (tx: Transaction): Promise<unknown> => (seen = await sql(tx).query('select 1 as one'));
    await assert.rejects(getDatabase().run(A, work, { isolation, readOnly: true }), { code: '42601' });
    assert.deepEqual(seen, [{ one: 1 }], 'it was read');
    seen = undefined;
    await assert.rejects(getDatabase().run(A, work, { isolation }), { code: '42601' });
    assert.equal(seen, undefined, 'what may write is not begun');
  });

  it('runs at the isolation it was asked for', async () => {
    const show = (tx: Transaction): Promise<unknown> => sql(tx).query('show transaction_isolation');
    assert.deepEqual(await getDatabase().run(A, show), [{ transaction_isolation: 'read committed' }]);
    const serializable = await getDatabase().run(A, show, { isolation: 'serializable' });
    assert.deepEqual(serializable, [{ transaction_isolation: 'serializable' }]);
  });

  it('plans a prepared statement once where one plan is good for all its calls, and goes back to its ways after', async () => {
    const text = 'select 1 as planned where $1::integer > 0';
    const look = 'select custom_plans::integer as custom from pg_prepared_statements where statement = $1';
    const planned = (options: TransactionOptions) =>
      getDatabase().run(
        A,
        async (tx) => {
          await sql(tx).prepared(text, [1]);
          const [shown] = await sql(tx).query<{ plan_cache_mode: string }>('show plan_cache_mode');
          return {
            mode: shown?.plan_cache_mode,
            custom: (await sql(tx).query<{ custom: number }>(look, [text]))[0]!.custom,
          };
        },
        options,
      );
    assert.deepEqual(await planned({ onePlan: true }), { mode: 'force_generic_plan', custom: 0 });
    assert.equal((await planned({})).mode, 'auto');
  });

  it('gives the same JavaScript types on both hosts', async () => {
    const [row] = await getDatabase().run(A, (tx) =>
      sql(tx).query<Record<string, unknown>>(
        `select 9007199254740993::int8 as int8, 7::int4 as int4, '\\x00ff'::bytea as bytea, null::text as nothing,
                timestamptz '2050-01-01T00:00:00.123Z' as at, '{"a":[1]}'::jsonb as json, array['x','y'] as list,
                1.50::numeric as numeric, true as yes, 0.1::float8 as float8`,
      ),
    );
    assert.deepEqual(row, {
      int8: '9007199254740993',
      int4: 7,
      bytea: Buffer.from([0, 255]),
      nothing: null,
      at: new Date('2050-01-01T00:00:00.123Z'),
      json: { a: [1] },
      list: ['x', 'y'],
      numeric: '1.50',
      yes: true,
      float8: 0.1,
    });
  });

  it('is joined by TypeORM, whose own transactions become savepoints', async () => {
    await getDatabase().run(A, async (tx) => {
      const { manager } = sql(tx);
      await manager.query(`insert into notes values ('a', 9, 'outer')`);
      const inner = manager.transaction(async (nested) => {
        await nested.query(`insert into notes values ('a', 9, 'inner')`);
        throw new Error('on purpose');
      });
      await assert.rejects(inner, /on purpose/);
    });
    assert.equal(await count(9), 1);
  });

  it('carries values of a megabyte', async () => {
    const big = Buffer.alloc(1_000_000, 7);
    const [row] = await getDatabase().run(A, (tx) => sql(tx).query<{ it: Buffer }>('select $1::bytea as it', [big]));
    assert.ok(big.equals(row!.it));
  });

  it('goes on after a statement that PostgreSQL refused', async () => {
    await assert.rejects(
      getDatabase().run(A, (tx) => sql(tx).query('select nonsense')),
      (error) => !(error instanceof LicetError),
    );
    await getDatabase().checkWritable();
  });
});
