import assert from 'node:assert/strict';
import { matches, valueOf } from '../trust-rule.ts';

const RULE = { issuer: 'https://issuer.example', audience: 'us', conditions: { repository_id: ['74', '75'] } };
const CLAIMS = { iss: RULE.issuer, aud: 'us', repository_id: '74' };

describe('A trust rule', () => {
  for (const [what, claims, isMatch] of [
    ['one of the values', CLAIMS, true],
    ['a number that reads the same', { ...CLAIMS, repository_id: 74 }, true],
    ['another value', { ...CLAIMS, repository_id: '76' }, false],
    ['a value that begins the same', { ...CLAIMS, repository_id: '745' }, false],
    ['a list that holds the value', { ...CLAIMS, repository_id: ['74'] }, false],
    ['an object', { ...CLAIMS, repository_id: { toString: () => '74' } }, false],
    ['nothing', { ...CLAIMS, repository_id: undefined }, false],
    ['another issuer', { ...CLAIMS, iss: 'https://issuer.example/' }, false],
    ['another audience', { ...CLAIMS, aud: 'them' }, false],
    ['a list of audiences', { ...CLAIMS, aud: ['us'] }, false],
  ] as const) {
    it(`${isMatch ? 'is for' : 'is not for'} ${what}`, () => assert.equal(matches(RULE, claims), isMatch));
  }
  it('finds a nested claim by its JSON pointer, and nothing that is inherited', () => {
    const claims = { 'kubernetes.io': { serviceaccount: { uid: 'u-1' } }, a: 'x' };
    assert.equal(valueOf(claims, '/kubernetes.io/serviceaccount/uid'), 'u-1');
    assert.equal(valueOf(claims, '/kubernetes.io/serviceaccount'), undefined);
    assert.equal(valueOf(claims, 'constructor'), undefined);
    assert.equal(valueOf(claims, '/a/length'), undefined);
  });
});
