import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { instantsOf, lastDayAfter } from '../model/calendar.ts';

const term = (firstDay: string, lastDay: string, timeZone: string) => {
  const { from, to } = instantsOf({ firstDay, lastDay, timeZone });
  return [from.toISOString(), to.toISOString()];
};

const refusal = (firstDay: string, lastDay: string, timeZone: string) => {
  try {
    instantsOf({ firstDay, lastDay, timeZone });
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'accepted';
};

describe('The term of a contract', () => {
  const TERMS = [
    {
      name: 'runs to the end of its last day',
      days: ['2026-01-01', '2026-12-31', 'UTC'],
      is: ['2026-01-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z'],
    },
    {
      name: 'follows the zone of the contract',
      days: ['2026-01-01', '2026-06-30', 'Europe/Berlin'],
      is: ['2025-12-31T23:00:00.000Z', '2026-06-30T22:00:00.000Z'],
    },
    {
      name: 'can be one day long',
      days: ['2028-02-29', '2028-02-29', 'UTC'],
      is: ['2028-02-29T00:00:00.000Z', '2028-03-01T00:00:00.000Z'],
    },
    {
      name: 'knows a day of 23 hours',
      days: ['2026-03-29', '2026-03-29', 'Europe/Berlin'],
      is: ['2026-03-28T23:00:00.000Z', '2026-03-29T22:00:00.000Z'],
    },
    {
      name: 'knows a day of 25 hours',
      days: ['2026-10-25', '2026-10-25', 'Europe/Berlin'],
      is: ['2026-10-24T22:00:00.000Z', '2026-10-25T23:00:00.000Z'],
    },
    {
      name: 'begins at one where midnight was skipped',
      days: ['2018-11-04', '2018-11-04', 'America/Sao_Paulo'],
      is: ['2018-11-04T03:00:00.000Z', '2018-11-05T02:00:00.000Z'],
    },
    {
      name: 'works fourteen hours ahead of UTC',
      days: ['2026-05-01', '2026-05-01', 'Pacific/Kiritimati'],
      is: ['2026-04-30T10:00:00.000Z', '2026-05-01T10:00:00.000Z'],
    },
  ] as const;
  for (const { name, days, is } of TERMS) it(name, () => assert.deepEqual(term(days[0], days[1], days[2]), is));

  const REFUSED = [
    { name: 'a last day before the first', days: ['2026-01-02', '2026-01-01', 'UTC'], code: 'TERM_EMPTY' },
    { name: 'a day that no calendar has', days: ['2026-02-29', '2026-12-31', 'UTC'], code: 'DAY_INVALID' },
    { name: 'a day in another form', days: ['1.1.2026', '2026-12-31', 'UTC'], code: 'DAY_INVALID' },
    {
      name: 'a zone that does not exist',
      days: ['2026-01-01', '2026-12-31', 'Mars/Olympus'],
      code: 'TIME_ZONE_UNKNOWN',
    },
  ] as const;
  for (const { name, days, code } of REFUSED)
    it(`refuses ${name}`, () => assert.equal(refusal(days[0], days[1], days[2]), code));

  it('never leaves a gap or an overlap to the term after it', () => {
    const zones = fc.constantFrom(
      'UTC',
      'Europe/Berlin',
      'America/Sao_Paulo',
      'Asia/Kathmandu',
      'Pacific/Apia',
      'Australia/Lord_Howe',
    );
    const start = fc
      .integer({ min: 0, max: 20_000 })
      .map((days) => new Date(days * 86_400_000).toISOString().slice(0, 10));
    fc.assert(
      fc.property(zones, start, fc.integer({ min: 1, max: 48 }), (timeZone, firstDay, months) => {
        const lastDay = lastDayAfter(firstDay, months);
        const dayAfter = new Date(Date.parse(lastDay) + 86_400_000).toISOString().slice(0, 10);
        const { to } = instantsOf({ firstDay, lastDay, timeZone });
        const { from } = instantsOf({ firstDay: dayAfter, lastDay: '2100-01-01', timeZone });
        assert.equal(to.getTime(), from.getTime());
      }),
      // Samoa had no 30 December 2011; a property that meets it must hold too.
      { numRuns: 150, examples: [['Pacific/Apia', '2011-11-30', 1]] },
    );
  });

  const MONTHS = [
    ['2026-01-01', 12, '2026-12-31'],
    ['2026-01-31', 1, '2026-02-28'],
    ['2028-02-29', 12, '2029-02-28'],
    ['2026-11-15', 3, '2027-02-14'],
  ] as const;
  for (const [first, months, last] of MONTHS) {
    it(`of ${months} months from ${first} ends on ${last}`, () => assert.equal(lastDayAfter(first, months), last));
  }
});
