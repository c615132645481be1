import assert from 'node:assert/strict';
import type { LicetError } from '../../licensing/errors.ts';
import { Admission } from '../admission.ts';
import { createPace } from '../pace.ts';

const day = (number: number): Date => new Date(Date.UTC(2026, 0, number));
const clock = { now: () => day(1) };

/** Work that ends when the test says so. */
function openDoor(least: number, patienceMs = 60_000, most = least) {
  let ms = 0;
  const admission = new Admission({
    clock,
    patienceMs,
    elapsedMs: () => ms,
    bounds: { least, most },
  });
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const sent = new Map<string, LicetError>();
  const ask = (name: string, endsAt?: Date) => {
    const work = () =>
      new Promise<void>((resolve) => {
        begun.push(name);
        ends.push(resolve);
      });
    admission.through(() => endsAt, work).catch((error: unknown) => sent.set(name, error as LicetError));
  };
  const settle = () => new Promise(setImmediate);
  const finish = async (times = 1, eachMs = 0) => {
    for (let done = 0; done < times; done++) {
      ms += eachMs;
      ends.shift()?.();
      await settle();
    }
  };
  return { admission, ask, begun, sent, settle, finish };
}

describe('The admission', () => {
  it('is nothing to those who find room', async () => {
    const { ask, begun, settle } = openDoor(2);
    ask('far', day(30));
    ask('near', day(2));
    await settle();
    assert.deepEqual(begun, ['far', 'near']);
  });

  it('lets those in first whose license ends first, and of those that end together who was first', async () => {
    const { ask, begun, finish, settle } = openDoor(1);
    for (const [name, endsAt] of [
      ['inside', 30],
      ['far', 20],
      ['near', 3],
      ['next', 3],
      ['nearest', 2],
      ['middle', 9],
    ] as const) {
      ask(name, day(endsAt));
    }
    await settle();
    await finish(5);
    assert.deepEqual(begun, ['inside', 'nearest', 'near', 'next', 'middle', 'far']);
  });

  it('takes who shows no license, and one that ended, for one that ends now: in the order in which they came', async () => {
    const { ask, begun, finish, settle } = openDoor(1);
    ask('inside', day(30));
    ask('tomorrow', day(2));
    ask('person');
    ask('forged', new Date(0));
    ask('another person');
    await settle();
    await finish(4);
    assert.deepEqual(begun, ['inside', 'person', 'forged', 'another person', 'tomorrow']);
  });

  it('lets as many wait as can be served while they are patient, and sends the most life away, also who was there before', async () => {
    // 64 a second until it is measured.
    const { ask, begun, sent, finish, settle } = openDoor(1, 10_000);
    ask('inside', day(30));
    for (let number = 0; number < 640; number++) ask('many', day(20));
    ask('far', day(24));
    ask('further', day(25));
    ask('near', day(2));
    await settle();
    assert.deepEqual([...sent.keys()].sort(), ['far', 'further', 'many']);
    await finish();
    assert.deepEqual(begun, ['inside', 'near']);
  });

  it('gives each a time of its own to come back, as fast as it has been serving', async () => {
    const { ask, sent, settle, finish, admission } = openDoor(1, 1000);
    ask('inside', day(9));
    for (let number = 0; number < 60; number++) ask(`early ${number}`, day(9));
    // Ten a second: the room for those who wait shrinks to what is served in a second.
    await finish(50, 100);
    sent.clear();
    for (let number = 0; number < 500; number++) ask(`late ${number}`, day(10));
    await settle();
    const waits = [...sent.values()].map(({ retryAfterSeconds = 0 }) => retryAfterSeconds);
    assert.deepEqual([...sent.values()].map(({ kind, code }) => `${kind} ${code}`).slice(0, 1), ['unavailable BUSY']);
    assert.ok(new Set(waits).size > 400, 'each its own');
    // 500 of ten a second are 50 s; the answer asks for up to twice what stands here.
    const last = Math.max(...waits);
    assert.ok(last > 25 && last < 40, String(last));
    assert.ok(admission.counts.sentAway >= 500);
  });

  it('takes no rush for its pace: when those come back whom it sends away, nobody else is in its way', async () => {
    const { ask, sent, settle, finish } = openDoor(1, 1000);
    ask('inside', day(9));
    for (let number = 0; number < 60; number++) ask(`early ${number}`, day(9));
    for (let tenth = 0; tenth < 50; tenth++) {
      for (let number = 0; number < 6; number++) ask(`early ${tenth} ${number}`, day(9));
      await finish(1, 100);
    }
    sent.clear();
    for (let number = 0; number < 500; number++) ask(`late ${number}`, day(10));
    await settle();
    // Ten a second are served and fifty sent away: without those it would be some 27. So between the first and the last of
    // 500 there are 19 s and not 50; half of that, since the answer asks for up to twice as much.
    const waits = [...sent.values()].map(({ retryAfterSeconds = 0 }) => retryAfterSeconds);
    const spanned = Math.max(...waits) - Math.min(...waits);
    assert.ok(spanned > 8 && spanned < 12, String(spanned));
  });

  it('asks nobody to wait for hours, however many come', async () => {
    const { ask, sent, settle, finish } = openDoor(1, 60_000);
    for (let number = 0; number < 60; number++) ask(`early ${number}`, day(9));
    await finish(50, 400);
    for (let number = 0; number < 2000; number++) ask(String(number), day(9));
    await settle();
    const waits = [...sent.values()].map(({ retryAfterSeconds = 0 }) => retryAfterSeconds);
    assert.equal(Math.max(...waits), 150, 'of which the answer makes up to five minutes');
  });

  it('keeps nobody waiting for longer than it is worth', async () => {
    const { ask, begun, sent, finish } = openDoor(1, 10);
    ask('inside', day(30));
    ask('near', day(2));
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.equal(sent.get('near')?.code, 'BUSY');
    await finish();
    assert.deepEqual(begun, ['inside']);
  });

  it('works on fewer at a time where that takes long, so that nothing behind it is asked for more than it can', async () => {
    const { admission, ask, begun, finish, settle } = openDoor(1, 60_000, 256);
    for (let number = 0; number < 100; number++) ask(String(number));
    await settle();
    assert.equal(begun.length, 32, 'at first as many as a small machine can');
    await finish(80, 25);
    for (let number = 0; number < 100; number++) ask(String(number));
    await settle();
    const { inside } = admission.counts;
    assert.ok(inside >= 20 && inside <= 24, `${inside}: half a second of 40 a second`);
  });

  it('makes room again when work fails', async () => {
    const { admission } = openDoor(1);
    await assert.rejects(
      admission.through(
        () => day(2),
        () => Promise.reject(new Error('no')),
      ),
      /no/,
    );
    assert.equal(
      await admission.through(
        () => day(2),
        () => Promise.resolve('yes'),
      ),
      'yes',
    );
    assert.deepEqual(admission.counts, { inside: 0, waiting: 0, sentAway: 0 });
  });
});

describe('The pace of what is served', () => {
  function openPace() {
    let ms = 0;
    const pace = createPace(() => ms);
    const leave = (times: number, eachMs: number, isFull = true) => {
      for (let done = 0; done < times; done++) {
        ms += eachMs;
        pace.left(isFull);
      }
    };
    return { pace, leave };
  }

  it('is measured while others wait', () => {
    const { pace, leave } = openPace();
    leave(200, 50);
    assert.ok(Math.abs(pace.perSecond - 20) < 1, String(pace.perSecond));
    assert.ok(Math.abs(pace.eachMs - 50) < 3);
  });

  it('is not taken for slow because there is nothing to do', () => {
    const { pace, leave } = openPace();
    const before = pace.perSecond;
    leave(1, 10);
    leave(3, 5000, false);
    leave(1, 10_000);
    assert.equal(pace.perSecond, before);
  });

  it('is not taken for slow because of requests that are slow by themselves', () => {
    const { pace, leave } = openPace();
    const before = pace.perSecond;
    leave(50, 60_000);
    assert.equal(pace.perSecond, before);
  });
});
