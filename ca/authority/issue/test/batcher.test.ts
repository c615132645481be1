import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { createBatcher } from '../batcher.ts';

describe('group commit', () => {
  const sizes: number[] = [];
  let release: (() => void)[] = [];
  const makeBatcher = (options: { batch?: number; queue?: number; lanes?: number } = {}) =>
    createBatcher<number, number>({
      name: 'doubling',
      batch: 100,
      queue: 100,
      lanes: 1,
      ...options,
      async work(items) {
        sizes.push(items.length);
        await new Promise<void>((resolve) => release.push(resolve));
        return items.map((item) => (item < 0 ? { error: new Error(`no ${item}`) } : { value: item * 2 }));
      },
    });
  const releaseAll = async () => {
    for (let i = 0; i < 20; i += 1) {
      await turn();
      for (const go of release.splice(0)) go();
    }
  };

  beforeEach(() => {
    sizes.length = 0;
    release = [];
  });

  it('answers one caller without waiting for others', async () => {
    const one = makeBatcher().submit(21);
    await releaseAll();
    assert.equal(await one, 42);
    assert.deepEqual(sizes, [1]);
  });

  it('puts what arrives meanwhile into the next batch, in order', async () => {
    const batcher = makeBatcher();
    const first = batcher.submit(0);
    await turn();
    const rest = Array.from({ length: 10 }, (_, i) => batcher.submit(i));
    await releaseAll();
    assert.equal(await first, 0);
    assert.deepEqual(await Promise.all(rest), [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
    assert.deepEqual(sizes, [1, 10]);
  });

  it('keeps batches within their limit and uses all lanes', async () => {
    const batcher = makeBatcher({ batch: 4, lanes: 2 });
    const all = Array.from({ length: 10 }, (_, i) => batcher.submit(i));
    await turn();
    await turn();
    assert.deepEqual(sizes, [4, 4]);
    await releaseAll();
    await Promise.all(all);
    assert.deepEqual(sizes, [4, 4, 2]);
  });

  it('lets one item fail alone', async () => {
    const batcher = makeBatcher();
    const results = Promise.allSettled([batcher.submit(1), batcher.submit(-1), batcher.submit(2)]);
    await releaseAll();
    assert.deepEqual(
      (await results).map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
  });

  it('fails a batch as a whole when its work fails, and goes on with the next', async () => {
    let calls = 0;
    const batcher = createBatcher<number, number>({
      name: 'failing once',
      batch: 2,
      queue: 10,
      lanes: 1,
      work(items) {
        calls += 1;
        if (calls === 1) return Promise.reject(new Error('disk gone'));
        return Promise.resolve(items.map((value) => ({ value })));
      },
    });
    const results = await Promise.allSettled([1, 2, 3].map((item) => batcher.submit(item)));
    assert.deepEqual(
      results.map(({ status }) => status),
      ['rejected', 'rejected', 'fulfilled'],
    );
  });

  it('sends callers away at once when the queue is full', async () => {
    const batcher = makeBatcher({ batch: 1, queue: 2 });
    const first = batcher.submit(1);
    await turn();
    const waiting = [batcher.submit(2), batcher.submit(3)];
    await assert.rejects(batcher.submit(4), { code: 'BUSY' });
    assert.equal(batcher.waiting, 2);
    await releaseAll();
    assert.deepEqual(await Promise.all([first, ...waiting]), [2, 4, 6]);
  });

  it('does not take too few outcomes for an answer', async () => {
    const batcher = createBatcher<number, number>({
      name: 'forgetful',
      batch: 9,
      queue: 9,
      lanes: 1,
      work: () => Promise.resolve([]),
    });
    await assert.rejects(batcher.submit(1), /0 outcomes for 1 items/);
  });
});
