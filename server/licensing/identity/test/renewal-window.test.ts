import assert from 'node:assert/strict';
import { assert as holds, integer, property, uuid } from 'fast-check';
import { type Incident, renewalWindow } from '../renewal-window.ts';

const DAY = 86_400_000;
const START = Date.parse('2026-11-01T00:00:00Z');
const LICENSE = {
  site: 'site-1',
  enterprise: 'globex',
  issuerKey: 'key-1',
  notBefore: new Date(START),
  notAfter: new Date(START + 30 * DAY),
};
const at = (days: number) => new Date(START + days * DAY);
const incident = (change: Partial<Incident> = {}): Incident => ({
  enterprise: undefined,
  issuerKey: 'key-1',
  issuedBefore: at(5),
  explanation: 'The key is given up.',
  beginsAt: at(5),
  endsAt: at(6),
  ...change,
});

describe('The suggested window of a renewal', () => {
  it('lies between a half and two thirds of the life, whatever the site and the life', () => {
    holds(
      property(uuid(), integer({ min: 3600, max: 400 * 86_400 }), (site, seconds) => {
        const notAfter = new Date(START + seconds * 1000);
        const { start, end, retryAfterSeconds } = renewalWindow({ ...LICENSE, site, notAfter }, [], at(0));
        const part = (time: Date) => (time.getTime() - START) / (seconds * 1000);
        // Dates are whole milliseconds.
        assert.ok(part(start) > 0.4999 && part(end) < 0.6668 && start < end);
        assert.ok(retryAfterSeconds >= 60 && retryAfterSeconds <= 6 * 3600);
      }),
    );
  });
  it('is the same for a site whenever it asks', () => {
    assert.deepEqual(renewalWindow(LICENSE, [], at(1)), renewalWindow(LICENSE, [], at(25)));
  });
  it('spreads sites evenly: no hour has more than three times its share', () => {
    const hours = new Map<number, number>();
    const sites = 10_000;
    for (let i = 0; i < sites; i++) {
      const { start } = renewalWindow({ ...LICENSE, site: `site-${i}` }, [], at(0));
      const hour = Math.floor(start.getTime() / 3_600_000);
      hours.set(hour, (hours.get(hour) ?? 0) + 1);
    }
    const share = sites / (30 * 24 * (1 / 6) * (2 / 3));
    assert.ok(hours.size > 70, `${hours.size} hours`);
    assert.ok(Math.max(...hours.values()) < 3 * share);
  });

  for (const [what, change, when, isNow] of [
    ['that has begun', {}, 5.1, true],
    ['that begins tomorrow', { beginsAt: at(7), endsAt: at(8) }, 5.1, false],
    ['that has ended, for who was away', {}, 20, true],
    ['of another key', { issuerKey: 'key-2' }, 5.1, false],
    ['of its enterprise', { issuerKey: undefined, enterprise: 'globex' }, 5.1, true],
    ['of another enterprise', { enterprise: 'initech' }, 5.1, false],
    ['about older licenses', { issuedBefore: at(0) }, 5.1, false],
    ['that ends before it begins', { endsAt: at(4) }, 5.1, false],
  ] as [string, Partial<Incident>, number, boolean][]) {
    it(`${isNow ? 'moves to now with' : 'stays with'} an incident ${what}`, () => {
      const usual = renewalWindow(LICENSE, [], at(when));
      const found = renewalWindow(LICENSE, [incident(change)], at(when));
      if (!isNow) return assert.deepEqual(found, usual);
      assert.equal(found.explanation, 'The key is given up.');
      assert.ok(found.start >= at(5) && found.end <= at(6) && found.start < found.end);
    });
  }
});
