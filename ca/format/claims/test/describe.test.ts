import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { describe as account } from '../describe.ts';
import { claims, SAMPLE } from './arbitraries.ts';

describe('the account of claims', () => {
  it('says everything that a site has', () => {
    assert.deepEqual(account(SAMPLE), [
      'Grant 3f0c8a52-9c1e-4c57-8f55-0a1b2c3d4e5f, issue number 7.',
      'For production.',
      'Tier professional (rank 20).',
      'Features: app, app/export, app/sso.',
      'At most 10 nodes per site; more is refused.',
      'No limit on users.',
      'Term from 2026-01-01 00:00:00 UTC until 2027-01-01 00:00:00 UTC.',
      'Keeps working for 14 days after it has expired.',
      'Needs fresh evidence at least every 30 days.',
      'When evidence is overdue, the product takes on nothing new and what runs keeps running.',
      'Bound to a machine: 2 of 3 fingerprints must match.',
      'A usage report is required every 90 days.',
    ]);
  });

  it('says what a CA may hand out, and what is left out', () => {
    const lines = account({
      ...SAMPLE,
      modes: ['production', 'development', 'recovery'],
      limits: [{ code: 'users', max: 500, scope: 'pool', enforce: 'soft' }],
      grace: 0,
      contact: 5400,
      degrade: 'stop',
      binding: { need: 1, digests: 'any' },
      reporting: { every: 60, required: false },
    });
    assert.ok(lines.includes('For production, development, recovery.'));
    assert.ok(lines.includes('At most 500 users over all sites together; more is allowed with a warning.'));
    assert.ok(lines.includes('Stops being a license the moment it expires.'));
    assert.ok(lines.includes('Needs fresh evidence at least every 1 hour 30 minutes.'));
    assert.ok(lines.includes('Sites must be bound to at least 1 fingerprint.'));
    assert.ok(lines.includes('A usage report is welcome every 1 minute.'));
  });

  it('is one line per sentence for any claims', () => {
    fc.assert(
      fc.property(claims, (value) => {
        for (const line of account(value)) assert.match(line, /^[^\n]+\.$/);
      }),
    );
  });
});
