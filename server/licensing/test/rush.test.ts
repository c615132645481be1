import assert from 'node:assert/strict';
import type { LicetError } from '../errors.ts';
import { createRush } from '../licenses/rush.ts';

const day = (number: number): Date => new Date(Date.UTC(2026, 0, number));

/** Work that ends when the test says so. */
function openRush(inside: number, waiting: number, patienceMs = 60_000) {
  let drawn = 0;
  const random = { bytes: () => Uint8Array.of((drawn += 67)) };
  const rush = createRush({ inside, waiting, patienceMs, random });
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const sent = new Map<string, LicetError>();
  const ask = (name: string, endsAt: Date | undefined) => {
    const work = () =>
      new Promise<void>((resolve) => {
        begun.push(name);
        ends.push(resolve);
      });
    rush.through(endsAt, work).catch((error: unknown) => sent.set(name, error as LicetError));
  };
  const settle = () => new Promise(setImmediate);
  const finishOne = async () => {
    ends.shift()?.();
    await settle();
  };
  return { ask, begun, sent, settle, finishOne };
}

describe('A rush of renewals', () => {
  it('is nothing to those who find room', async () => {
    const { ask, begun, settle } = openRush(2, 0);
    ask('far', day(30));
    ask('near', day(1));
    await settle();
    assert.deepEqual(begun, ['far', 'near']);
  });

  it('lets those in first whose license ends first, and the one that was first of those that end together', async () => {
    const { ask, begun, finishOne, settle } = openRush(1, 9);
    ask('inside', day(30));
    for (const [name, endsAt] of [
      ['far', 20],
      ['near', 2],
      ['next', 2],
      ['nearest', 1],
      ['middle', 9],
    ] as const) {
      ask(name, day(endsAt));
    }
    await settle();
    for (let done = 0; done < 5; done++) await finishOne();
    assert.deepEqual(begun, ['inside', 'nearest', 'near', 'next', 'middle', 'far']);
  });

  it('sends those away who have the most life left, also when they were here before', async () => {
    const { ask, begun, sent, finishOne, settle } = openRush(1, 2);
    ask('inside', day(30));
    ask('far', day(20));
    ask('middle', day(9));
    ask('further', day(25));
    ask('near', day(1));
    ask('same', day(9));
    await settle();
    assert.deepEqual([...sent.keys()].sort(), ['far', 'further', 'same']);
    for (let done = 0; done < 3; done++) await finishOne();
    assert.deepEqual(begun, ['inside', 'near', 'middle']);
  });

  it('sends away with times that differ, and as what passes', async () => {
    const { ask, sent, settle } = openRush(1, 0);
    for (let number = 0; number < 4; number++) ask(String(number), day(9));
    await settle();
    const waits = [...sent.values()].map(({ kind, code, retryAfterSeconds = 0 }) => {
      assert.deepEqual([kind, code], ['unavailable', 'BUSY']);
      assert.ok(retryAfterSeconds >= 5 && retryAfterSeconds <= 10);
      return retryAfterSeconds;
    });
    assert.equal(new Set(waits).size, 3);
  });

  it('keeps nobody waiting for longer than it is worth', async () => {
    const { ask, begun, sent, finishOne } = openRush(1, 9, 10);
    ask('inside', day(30));
    ask('near', day(1));
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.equal(sent.get('near')?.code, 'BUSY');
    await finishOne();
    assert.deepEqual(begun, ['inside']);
  });

  it('makes room again when work fails', async () => {
    const rush = createRush({ inside: 1, waiting: 0, patienceMs: 1, random: { bytes: () => Uint8Array.of(0) } });
    await assert.rejects(
      rush.through(day(1), () => Promise.reject(new Error('no'))),
      /no/,
    );
    assert.equal(await rush.through(day(1), () => Promise.resolve('yes')), 'yes');
  });

  it('lets people through who name no license end', async () => {
    const { ask, begun, finishOne, settle } = openRush(1, 1);
    ask('inside', day(1));
    ask('site', day(1));
    ask('person', undefined);
    await settle();
    await finishOne();
    assert.deepEqual(begun, ['inside', 'person']);
  });
});
