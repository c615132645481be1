import assert from 'node:assert/strict';
import { AuthorityError } from '@licet/authority';
import { asLicetError } from '../../authority/errors.ts';
import { problemOf } from '../../problem.ts';

describe('A refusal of the authority that may pass', () => {
  // Clients of EST know no other sign of it; a site that takes it for final comes back with another request: as a clone.
  const codes = [
    'REQUEST_PENDING',
    'RENEWAL_UNDER_WAY',
    'ENROLMENT_UNDER_WAY',
    'ISSUER_CHANGED',
    'SIGNER_UNAVAILABLE',
    'FENCED',
    'BUSY',
  ] as const;
  for (const code of codes) {
    it(`is a 503 that says when to ask again: ${code}`, () => {
      const { problem, headers } = problemOf(asLicetError(new AuthorityError(code, 'later')), 'one');
      assert.equal(problem.status, 503);
      assert.ok(Number(headers['Retry-After']) > 0);
    });
  }

  // The request stays good for the CA that is to come, so it is no conflict.
  it('is a 503 without a time where a person has to do something first', () => {
    const { problem, headers } = problemOf(asLicetError(new AuthorityError('ISSUER_ENDED', 'over')), 'one');
    assert.deepEqual([problem.status, headers['Retry-After']], [503, undefined]);
  });
});
