import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { LicetError } from '../../errors.ts';
import { ManualClock } from '../../test/manual-clock.ts';
import { createLimiter, type Rates } from '../limits.ts';
import { take } from '../rate.ts';
import { principal } from './principals.ts';

const RATES: Rates = {
  organization: { burst: 10, everySeconds: 1 },
  token: { burst: 3, everySeconds: 1 },
  site: { burst: 2, everySeconds: 10 },
  address: { burst: 5, everySeconds: 2 },
};

const waitOf = (work: () => void): number => {
  try {
    work();
    return 0;
  } catch (error) {
    assert.ok(error instanceof LicetError && error.code === 'TOO_MANY_REQUESTS' && error.kind === 'too-many');
    return error.retryAfterSeconds ?? -1;
  }
};

describe('A rate', () => {
  it('grants a burst at once, then one per interval, and says exactly how long to wait', () => {
    const rate = { burst: 3, everySeconds: 10 };
    let arrival: number | undefined;
    const at = (now: number): number => {
      const taken = take(rate, arrival, now);
      arrival = taken.arrival;
      return taken.wait;
    };
    assert.deepEqual([at(0), at(0), at(0), at(0), at(4000)], [0, 0, 0, 10_000, 6000]);
    assert.deepEqual([at(9999), at(10_000), at(10_000)], [1, 0, 10_000]);
  });

  it('makes nobody wait longer after a clock that was ahead than after a burst', () => {
    const rate = { burst: 3, everySeconds: 10 };
    const { arrival } = take(rate, undefined, 172_800_000);
    const refused = take(rate, arrival, 0);
    assert.equal(refused.wait, 10_000);
    assert.equal(take(rate, refused.arrival, 10_000).wait, 0);
  });

  it('never grants more than burst and interval allow in any stretch of time', () => {
    const rate = fc.record({ burst: fc.integer({ min: 1, max: 5 }), everySeconds: fc.integer({ min: 1, max: 5 }) });
    fc.assert(
      fc.property(rate, fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 60 }), (rate, steps) => {
        let [now, arrival] = [0, undefined as number | undefined];
        const granted: number[] = [];
        for (const step of steps) {
          now += step;
          const taken = take(rate, arrival, now);
          arrival = taken.arrival;
          if (taken.wait === 0) granted.push(now);
        }
        for (const [first, from] of granted.entries()) {
          for (const [last, to] of granted.entries()) {
            if (last < first) continue;
            const most = rate.burst + Math.floor((to - from) / (rate.everySeconds * 1000));
            assert.ok(last - first + 1 <= most);
          }
        }
      }),
    );
  });

  it('grants to who has waited as long as it said', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 10 }), (burst, tries) => {
        const rate = { burst, everySeconds: 3 };
        let taken = take(rate, undefined, 0);
        for (let index = 0; index < burst + tries; index++) taken = take(rate, taken.arrival, 0);
        assert.ok(taken.wait > 0);
        assert.equal(take(rate, taken.arrival, taken.wait).wait, 0);
      }),
    );
  });

  it('forgives a clock that was set back no more than what was taken', () => {
    const taken = take({ burst: 1, everySeconds: 1 }, undefined, 10_000);
    assert.ok(take({ burst: 1, everySeconds: 1 }, taken.arrival, 0).wait > 0);
  });
});

describe('The limiter', () => {
  it('counts tokens, sites, organizations and networks apart', () => {
    const limiter = createLimiter(RATES, new ManualClock());
    const [one, other] = [principal('application', { id: 'token:1' }), principal('application', { id: 'token:2' })];
    assert.deepEqual(
      Array.from({ length: 4 }, () => waitOf(() => limiter.principal(one))),
      [0, 0, 0, 1],
    );
    assert.equal(
      waitOf(() => limiter.principal(other)),
      0,
    );
    const site = principal('site');
    assert.deepEqual(
      Array.from({ length: 3 }, () => waitOf(() => limiter.principal(site))),
      [0, 0, 10],
    );
    for (const last of ['1', '2', '3', '4', '5'])
      assert.equal(
        waitOf(() => limiter.address(`2001:db8:0:9::${last}`)),
        0,
      );
    assert.equal(
      waitOf(() => limiter.address('2001:db8:0:9:ffff::6')),
      2,
    );
    assert.equal(
      waitOf(() => limiter.address('2001:db8:0:a::1')),
      0,
    );
  });

  it('takes nothing from the organization for who is refused as a token', () => {
    const limiter = createLimiter(RATES, new ManualClock());
    const greedy = principal('application', { id: 'token:greedy' });
    for (let index = 0; index < 100; index++) waitOf(() => limiter.principal(greedy));
    const others = Array.from({ length: 7 }, (_, index) => principal('application', { id: `token:${index}` }));
    assert.deepEqual(
      others.map((who) => waitOf(() => limiter.principal(who))),
      [0, 0, 0, 0, 0, 0, 0],
    );
    assert.ok(waitOf(() => limiter.principal(principal('application', { id: 'token:last' }))) > 0);
  });

  it('keeps a bounded memory, and forgets first who was silent longest', () => {
    const limiter = createLimiter(RATES, new ManualClock(), 3);
    for (let index = 0; index < 5; index++) limiter.address('192.0.2.1');
    limiter.address('192.0.2.2');
    limiter.address('192.0.2.3');
    assert.ok(waitOf(() => limiter.address('192.0.2.1')) > 0);
    limiter.address('192.0.2.4');
    assert.ok(waitOf(() => limiter.address('192.0.2.1')) > 0, 'was used last but one');
    for (const last of [5, 6, 7]) limiter.address(`192.0.2.${last}`);
    assert.equal(
      waitOf(() => limiter.address('192.0.2.1')),
      0,
    );
  });
});
