import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { askingSeconds, BACKOFF, pauseSeconds } from '../backoff.ts';
import { defaultWindow, renewalTime } from '../renewal-time.ts';
import { parseSuggestion } from '../suggestion.ts';

const DAY = 86_400_000;
const life = { notBefore: new Date('2026-11-01T00:00:00Z'), notAfter: new Date('2026-12-01T00:00:00Z') };
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const siteUri = (number: number): string => `license://globex.acme/site-${number}`;

describe('The pause after a failed renewal', () => {
  it('never leaves its bounds, however often it failed', () =>
    fc.assert(
      fc.property(fc.nat(10_000), chance, (failures, drawn) => {
        const pause = pauseSeconds(failures, drawn);
        assert.ok(pause >= 1 && pause <= BACKOFF.mostSeconds);
      }),
    ));

  it('is never shorter than the server asked for, and at most twice as long', () =>
    fc.assert(
      fc.property(fc.nat(50), chance, fc.integer({ min: 1, max: 3600 }), (failures, drawn, asked) => {
        const pause = pauseSeconds(failures, drawn, asked);
        assert.ok(pause >= asked && pause <= 2 * asked + 1);
      }),
    ));

  it('spreads ten thousand sites that failed together over the whole time', () => {
    const pauses = Array.from({ length: 10_000 }, (_, index) => pauseSeconds(10, index / 10_000));
    const firstTenth = pauses.filter((pause) => pause < BACKOFF.mostSeconds / 10).length;
    assert.ok(firstTenth > 900 && firstTenth < 1100, `${firstTenth} of 10,000 in the first tenth`);
  });
});

describe('Evidence and advice', () => {
  it('are asked for every six to twelve hours, or as the server says', () => {
    assert.deepEqual([askingSeconds(false, 0, undefined), askingSeconds(false, 1, undefined)], [6 * 3600, 12 * 3600]);
    assert.deepEqual([askingSeconds(false, 0, 60), askingSeconds(false, 0, 99_999)], [60, 6 * 3600]);
  });

  it('are asked for again soon where an answer or a chain is missing, whatever the server says', () =>
    assert.deepEqual([askingSeconds(true, 0, undefined), askingSeconds(true, 0.5, 6 * 3600)], [600, 900]));
});

describe('The time of renewal', () => {
  it('lies between half and two thirds of the life when the authority says nothing', () => {
    const { start, end } = defaultWindow(life);
    assert.deepEqual([start, end], [new Date('2026-11-16T00:00:00Z'), new Date('2026-11-21T00:00:00Z')]);
    for (let site = 0; site < 200; site++) {
      const at = renewalTime(life, siteUri(site), undefined);
      assert.ok(at >= start && at <= end);
    }
  });

  it('is the same at every look, and another for another site', () => {
    assert.deepEqual(renewalTime(life, siteUri(1), undefined), renewalTime(life, siteUri(1), undefined));
    const days = new Set(
      Array.from({ length: 200 }, (_, site) => Math.floor(renewalTime(life, siteUri(site), undefined).getTime() / DAY)),
    );
    assert.equal(days.size, 5);
  });

  it('is now when the authority puts the window into the past', () => {
    const window = { start: new Date('2026-11-02T00:00:00Z'), end: new Date('2026-11-02T00:00:01Z') };
    assert.ok(renewalTime(life, siteUri(1), { window }) <= new Date('2026-11-02T00:00:01Z'));
  });
});

describe('The suggestion of the authority', () => {
  it('is read with its explanation', () => {
    const text =
      '{"suggestedWindow":{"start":"2026-11-02T00:00:00Z","end":"2026-11-03T00:00:00Z"},"explanation":"A CA key is being replaced."}';
    assert.deepEqual(parseSuggestion(text, 600), {
      window: { start: new Date('2026-11-02T00:00:00Z'), end: new Date('2026-11-03T00:00:00Z') },
      explanation: 'A CA key is being replaced.',
      retryAfterSeconds: 600,
    });
  });

  const USELESS = [
    '',
    'null',
    '{}',
    '[]',
    '{"suggestedWindow":{"start":"soon","end":"later"}}',
    '{"suggestedWindow":{"start":"2026-11-03T00:00:00Z","end":"2026-11-02T00:00:00Z"}}',
    '{"suggestedWindow":{"start":"2026-11-03T00:00:00Z"}}',
  ];
  for (const text of USELESS)
    it(`is none when it says ${text || 'nothing'}`, () => assert.equal(parseSuggestion(text), undefined));
});
