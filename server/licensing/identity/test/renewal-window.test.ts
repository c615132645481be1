import assert from 'node:assert/strict';
import { assert as holds, integer, property, uuid } from 'fast-check';
import { renewalWindow } from '../renewal-window.ts';

const DAY = 86_400_000;
const START = Date.parse('2026-11-01T00:00:00Z');
const LICENSE = {
  site: 'site-1',
  notBefore: new Date(START),
  notAfter: new Date(START + 30 * DAY),
};
const at = (days: number) => new Date(START + days * DAY);
const INCIDENT = { explanation: 'The key is given up.', beginsAt: at(5), endsAt: at(6) };

describe('The suggested window of a renewal', () => {
  it('lies between a half and two thirds of the life, whatever the site and the life', () => {
    holds(
      property(uuid(), integer({ min: 3600, max: 400 * 86_400 }), (site, seconds) => {
        const notAfter = new Date(START + seconds * 1000);
        const { start, end, retryAfterSeconds } = renewalWindow({ ...LICENSE, site, notAfter });
        const part = (time: Date) => (time.getTime() - START) / (seconds * 1000);
        // Dates are whole milliseconds.
        assert.ok(part(start) > 0.4999 && part(end) < 0.6668 && start < end);
        assert.ok(retryAfterSeconds >= 60 && retryAfterSeconds <= 6 * 3600);
      }),
    );
  });
  it('is the same for a site whenever it asks, in an incident too', () => {
    assert.deepEqual(renewalWindow(LICENSE), renewalWindow({ ...LICENSE }));
    assert.deepEqual(renewalWindow(LICENSE, INCIDENT), renewalWindow({ ...LICENSE }, { ...INCIDENT }));
  });
  it('spreads sites evenly: no hour has more than three times its share', () => {
    const hours = new Map<number, number>();
    const sites = 10_000;
    for (let i = 0; i < sites; i++) {
      const { start } = renewalWindow({ ...LICENSE, site: `site-${i}` });
      const hour = Math.floor(start.getTime() / 3_600_000);
      hours.set(hour, (hours.get(hour) ?? 0) + 1);
    }
    const share = sites / (30 * 24 * (1 / 6) * (2 / 3));
    assert.ok(hours.size > 70, `${hours.size} hours`);
    assert.ok(Math.max(...hours.values()) < 3 * share);
  });

  it('is moved into the time of an incident, which says why, and spread over it', () => {
    const starts = new Set<number>();
    for (let i = 0; i < 1000; i++) {
      const { start, end, explanation, retryAfterSeconds } = renewalWindow({ ...LICENSE, site: `site-${i}` }, INCIDENT);
      assert.ok(start >= at(5) && end <= at(6) && start < end);
      assert.deepEqual([explanation, retryAfterSeconds], ['The key is given up.', 3600]);
      starts.add(Math.floor((start.getTime() - at(5).getTime()) / 3_600_000));
    }
    assert.equal(starts.size, 12, 'the first half, in which all of them begin');
  });
});
